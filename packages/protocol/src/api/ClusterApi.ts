/** The masters of the cluster: how they stand, who joins and leaves, who leads, and the freeze switch. */
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { JoinTokenId, MasterId } from "../Ids.ts"
import {
  Cluster,
  ClusterSwitches,
  FreezeChange,
  Handover,
  LeadershipChange,
  Master,
  VersionChange,
  VotingChange
} from "../model/ClusterStatus.ts"
import { IssuedJoinToken, JoinToken, JoinTokenCreate } from "../model/Master.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one, page } from "./Envelope.ts"
import { pageQuery } from "./ListQuery.ts"
import { exampleId, idempotencyKey } from "./Requests.ts"

const masterParams = { id: MasterId }

export class ClusterApi extends HttpApiGroup.make("cluster")
  .add(
    HttpApiEndpoint.get("status", "/", { success: one(Cluster), error: ApiErrors }).annotateMerge(
      demands("cluster:read")
    ),
    HttpApiEndpoint.get("masters", "/masters", {
      query: pageQuery,
      success: page(Master),
      error: ApiErrors
    }).annotateMerge(demands("cluster:read")),
    HttpApiEndpoint.get("master", "/masters/:id", {
      params: masterParams,
      success: one(Master),
      error: ApiErrors
    }).annotateMerge(demands("cluster:read")),
    HttpApiEndpoint.delete("removeMaster", "/masters/:id", {
      params: masterParams,
      success: HttpApiSchema.NoContent,
      error: ApiErrors
    }).annotateMerge(demands("cluster:write")),
    HttpApiEndpoint.put("setVoting", "/masters/:id/voting", {
      params: masterParams,
      payload: VotingChange,
      success: one(Master),
      error: ApiErrors
    }).annotateMerge(demands("cluster:write", { example: { voter: false } })),
    HttpApiEndpoint.post("handOver", "/leadership", {
      payload: LeadershipChange,
      success: one(Handover).pipe(HttpApiSchema.status(202)),
      error: ApiErrors
    }).annotateMerge(demands("cluster:write", { example: { to: exampleId } })),
    HttpApiEndpoint.get("joinTokens", "/join-tokens", {
      query: pageQuery,
      success: page(JoinToken),
      error: ApiErrors
    }).annotateMerge(demands("cluster:write")),
    HttpApiEndpoint.post("createJoinToken", "/join-tokens", {
      headers: idempotencyKey,
      payload: JoinTokenCreate,
      success: one(IssuedJoinToken).pipe(HttpApiSchema.status(201)),
      error: ApiErrors
    }).annotateMerge(demands("cluster:write", { example: { ttl_seconds: 3_600 } })),
    HttpApiEndpoint.delete("revokeJoinToken", "/join-tokens/:id", {
      params: { id: JoinTokenId },
      success: HttpApiSchema.NoContent,
      error: ApiErrors
    }).annotateMerge(demands("cluster:write")),
    /** The format: packages/master/src/backup/BackupFormat.ts. */
    HttpApiEndpoint.get("backup", "/backup", {
      success: HttpApiSchema.StreamUint8Array({ contentType: "application/vnd.nxmesh.backup" }),
      error: ApiErrors
    }).annotateMerge(demands("cluster:write")),
    HttpApiEndpoint.post("setVersion", "/version", {
      payload: VersionChange,
      success: one(ClusterSwitches),
      error: ApiErrors
    }).annotateMerge(demands("cluster:write", { example: { version: 2 } })),
    HttpApiEndpoint.put("setFreeze", "/freeze", {
      payload: FreezeChange,
      success: one(ClusterSwitches),
      error: ApiErrors
    }).annotateMerge(demands("cluster:write", { example: { frozen: true, reason: "the release of Monday is wrong" } }))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/cluster") {}
