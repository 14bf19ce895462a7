/**
 * What agents report of their deployments: the last outcomes of each agent and counters per generation (rule 4). The
 * whole history is telemetry's.
 */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import type { AgentId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { Deployment } from "@nxmesh/protocol/model/Deployment"
import { Limits } from "../../Limits.ts"
import type { Applied, Transaction } from "./Transaction.ts"

type Recorded = CommandOf<"RecordDeployments">["outcomes"][number]

/** Outcomes of agents that are gone are dropped, and those told twice count once: reports come at least once. */
export const recordDeployments = (tx: Transaction, command: CommandOf<"RecordDeployments">): Applied => {
  const events: Array<Event> = []
  const tallies = new Map<string, Tally>()
  command.outcomes.forEach((recorded, position) => {
    const deployment = record(tx, recorded, position)
    if (deployment === undefined) return
    count(tallies, deployment, recorded.manifest)
    events.push({ _tag: "DeploymentRecorded", deployment })
  })
  for (const [generation, tally] of tallies) addTally(tx, generation, tally)
  for (const agentId of new Set(command.outcomes.map(({ agent_id }) => agent_id))) forgetOld(tx, agentId)
  if (events.length > 0) forgetGenerations(tx)
  return { value: { recorded: events.length }, events, audit: null }
}

const record = (tx: Transaction, { agent_id, outcome }: Recorded, position: number): Deployment | undefined => {
  const { connection } = tx
  const agent = connection.get<{ readonly workspace_id: WorkspaceId }>(
    "SELECT workspace_id FROM agents WHERE id = ?",
    agent_id
  )
  if (agent === undefined) return undefined
  if (connection.get("SELECT 1 AS found FROM deployments WHERE id = ?", outcome.id) !== undefined) return undefined
  const deployment: Deployment = { ...outcome, agent_id, workspace_id: agent.workspace_id }
  connection.run(
    `INSERT INTO deployments (id, agent_id, workspace_id, generation, status, started_at, finished_at, entry, position, data)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    outcome.id,
    agent_id,
    agent.workspace_id,
    outcome.generation,
    outcome.status,
    outcome.started_at,
    outcome.finished_at,
    tx.index,
    position,
    JSON.stringify(deployment)
  )
  if (outcome.serving_generation !== null) {
    connection.run(
      // Not REPLACE, which for the digest of the state is two rows.
      `INSERT INTO serving_generations (agent_id, generation) VALUES (?, ?)
       ON CONFLICT (agent_id) DO UPDATE SET generation = excluded.generation`,
      agent_id,
      outcome.serving_generation
    )
  }
  return deployment
}

/** What a command says of one generation. A fleet reports the same one, and its row may hold a large manifest: it is written once. */
interface Tally {
  readonly counts: Record<Deployment["status"], number>
  manifest: Recorded["manifest"]
}

const count = (tallies: Map<string, Tally>, { generation, status }: Deployment, manifest: Recorded["manifest"]) => {
  const tally: Tally = tallies.get(generation) ?? {
    counts: { settled: 0, failed: 0, rolled_back: 0, rollback_failed: 0, interrupted: 0 },
    manifest: undefined
  }
  tally.counts[status]++
  if (status === "settled" && manifest !== undefined) tally.manifest = manifest
  tallies.set(generation, tally)
}

const addTally = ({ connection, index }: Transaction, generation: string, { counts, manifest }: Tally): void => {
  connection.run(
    `INSERT INTO generations (generation, settled, failed, rolled_back, rollback_failed, interrupted, entry, manifest)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (generation) DO UPDATE SET
       settled = settled + excluded.settled, failed = failed + excluded.failed,
       rolled_back = rolled_back + excluded.rolled_back, rollback_failed = rollback_failed + excluded.rollback_failed,
       interrupted = interrupted + excluded.interrupted, entry = excluded.entry,
       manifest = coalesce(excluded.manifest, manifest)`,
    generation,
    counts.settled,
    counts.failed,
    counts.rolled_back,
    counts.rollback_failed,
    counts.interrupted,
    index,
    manifest === undefined ? null : JSON.stringify(manifest)
  )
}

const forgetOld = ({ connection }: Transaction, agentId: AgentId): void => {
  connection.run(
    `DELETE FROM deployments WHERE id IN (SELECT id FROM deployments WHERE agent_id = ?
       ORDER BY entry DESC, position DESC LIMIT -1 OFFSET ?)`,
    agentId,
    Limits.state.deploymentsPerAgentMax
  )
}

/** Generations that no agent serves are forgotten, oldest first, above the bound; their manifests, which are large, sooner. */
const forgetGenerations = ({ connection }: Transaction): void => {
  connection.run(
    `DELETE FROM generations WHERE entry < (SELECT entry FROM generations ORDER BY entry DESC LIMIT 1 OFFSET ?)
       AND generation NOT IN (SELECT generation FROM serving_generations)`,
    Limits.state.generationsMax
  )
  connection.run(
    `UPDATE generations SET manifest = NULL WHERE manifest IS NOT NULL
       AND entry < (SELECT entry FROM generations ORDER BY entry DESC LIMIT 1 OFFSET ?)
       AND generation NOT IN (SELECT generation FROM serving_generations)`,
    Limits.state.manifestsMax
  )
}
