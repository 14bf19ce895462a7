/** Everything that rules watch, as it is at one moment, read where it is: replicated state, presence, the masters' words. */
import type { Generation, OrganizationId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { AlertRule } from "@nxmesh/protocol/model/AlertRule"
import { conditionSubject } from "@nxmesh/protocol/model/AlertCondition"
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { Place } from "@nxmesh/protocol/model/Place"
import { Effect } from "effect"
import { AgentPresence } from "../agents/AgentPresence.ts"
import { ClusterStatus } from "../cluster/ClusterStatus.ts"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import { Limits } from "../Limits.ts"
import type { Connection } from "../state/Connection.ts"
import { Database } from "../state/Database.ts"
import { lastBackupAt } from "../state/ReadAlerting.ts"
import { Reads } from "../state/Reads.ts"
import type { SeenAgent } from "./AgentFindings.ts"
import type { SeenCertificate, SeenCluster } from "./FleetFindings.ts"

export interface Snapshot {
  readonly agents: ReadonlyArray<SeenAgent>
  readonly certificates: ReadonlyArray<SeenCertificate>
  /** `null`: no rule is about the masters. */
  readonly cluster: SeenCluster | null
}

const kindsOf = (rules: ReadonlyArray<AlertRule>) => new Set(rules.map(({ condition }) => condition.kind))

type Places = (workspaceId: WorkspaceId) => Place

const placesOf = (connection: Connection): Places => {
  const workspaces = new Map(
    connection
      .all<{ readonly id: WorkspaceId; readonly organization_id: OrganizationId }>(
        "SELECT id, organization_id FROM workspaces"
      )
      .map(({ id, organization_id }) => [id, organization_id])
  )
  return (workspace_id) => ({ workspace_id, organization_id: workspaces.get(workspace_id) ?? null })
}

const seeAgent = Effect.fnUntraced(function* (
  agent: StoredAgent,
  place: Place,
  needs: { readonly deployments: boolean; readonly convergence: boolean }
) {
  const { newest, present } = yield* (yield* AgentPresence).whereabouts(agent.id)
  const deployment = needs.deployments ? yield* (yield* Reads).lastDeployment(agent.id) : undefined
  const hasFailed = deployment !== undefined && deployment.status !== "settled"
  const desired: Generation | undefined =
    needs.convergence || hasFailed
      ? yield* Effect.orElseSucceed((yield* ConfigEngine).generation(agent.id), () => undefined)
      : undefined
  const seen: SeenAgent = {
    agent,
    place,
    present,
    health: newest?.health ?? null,
    deployment,
    desired,
    serving: newest?.serving ?? undefined
  }
  return seen
})

/** In slices, so that a large fleet does not keep everything else waiting. */
const seeAgents = Effect.fnUntraced(function* (rules: ReadonlyArray<AlertRule>, places: Places) {
  const kinds = kindsOf(rules)
  const needs = { deployments: kinds.has("deployment_failed"), convergence: kinds.has("not_converged") }
  const agents = yield* (yield* Reads).all("agent")
  const seen: Array<SeenAgent> = []
  for (let first = 0; first < agents.length; first += Limits.alerting.agentsPerSlice) {
    for (const agent of agents.slice(first, first + Limits.alerting.agentsPerSlice)) {
      seen.push(yield* seeAgent(agent, places(agent.workspace_id), needs))
    }
    yield* Effect.yieldNow
  }
  return seen
})

interface CertificateRow {
  readonly id: string
  readonly workspace_id: WorkspaceId
  readonly name: string
  readonly domain: string
  readonly expires_at: string
}

const certificatesOf = (connection: Connection, places: Places): ReadonlyArray<SeenCertificate> =>
  connection
    .all<CertificateRow>("SELECT id, workspace_id, name, domain, expires_at FROM certificates ORDER BY id")
    .map(({ domain, expires_at, id, name, workspace_id }) => ({
      id,
      name,
      domain,
      expiresAt: expires_at,
      place: places(workspace_id)
    }))

const seeCluster = Effect.fnUntraced(function* (connection: Connection, kinds: ReturnType<typeof kindsOf>) {
  const status = yield* (yield* ClusterStatus).status
  const masters = yield* (yield* Reads).masters
  const row = connection.get<{ readonly cluster_id: string; readonly created_at: string }>(
    "SELECT cluster_id, created_at FROM cluster"
  )
  const cluster: SeenCluster = {
    id: row?.cluster_id ?? "",
    createdAt: row?.created_at ?? "",
    status,
    masterNames: new Map(masters.map(({ id, name }) => [id, name])),
    lastBackupAt: kinds.has("backup_age") ? lastBackupAt(connection) : undefined
  }
  return cluster
})

/** What it costs follows from the rules: what none of them watches is not read. */
export const takeSnapshot = Effect.fn("Alerting.snapshot")(function* (rules: ReadonlyArray<AlertRule>) {
  const { reader } = yield* Database
  const kinds = kindsOf(rules)
  const subjects = new Set(rules.map(({ condition }) => conditionSubject(condition)))
  const places = placesOf(reader)
  const snapshot: Snapshot = {
    agents: subjects.has("agent") ? yield* seeAgents(rules, places) : [],
    certificates: subjects.has("certificate") ? certificatesOf(reader, places) : [],
    cluster: subjects.has("master") ? yield* seeCluster(reader, kinds) : null
  }
  return snapshot
})
