/** What agents made of what they were sent (CF-003). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { AgentId, DeploymentId, Generation, WorkspaceId } from "../Ids.ts"
import { Deployment, DeploymentStatus } from "../model/Deployment.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one } from "./Envelope.ts"
import { listQuery } from "./ListQuery.ts"
import { listEndpoint } from "./ResourceEndpoints.ts"

export class DeploymentsApi extends HttpApiGroup.make("deployments")
  .add(
    listEndpoint({
      resource: Deployment,
      query: listQuery(["started_at", "finished_at"], "-finished_at", {
        workspace_id: Schema.optionalKey(WorkspaceId),
        agent_id: Schema.optionalKey(AgentId),
        status: Schema.optionalKey(DeploymentStatus),
        generation: Schema.optionalKey(Generation)
      }),
      permissions: { read: "config:read" }
    }),
    HttpApiEndpoint.get("get", "/:id", {
      params: { id: DeploymentId },
      success: one(Deployment),
      error: ApiErrors
    }).annotateMerge(demands("config:read"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/deployments") {}
