/**
 * What agents report of their deployments: the last outcomes of each agent and counters per generation (rule 4). The
 * whole history is telemetry's.
 */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { Deployment } from "@nxmesh/protocol/model/Deployment"
import { Limits } from "../../Limits.ts"
import { findResource } from "../Resources.ts"
import type { Applied, Transaction } from "./Transaction.ts"

type Recorded = CommandOf<"RecordDeployments">["outcomes"][number]

/** Outcomes of agents that are gone are dropped, and those told twice count once: reports come at least once. */
export const recordDeployments = (tx: Transaction, command: CommandOf<"RecordDeployments">): Applied => {
  const events: Array<Event> = []
  command.outcomes.forEach((recorded, position) => {
    const deployment = record(tx, recorded, position)
    if (deployment !== undefined) events.push({ _tag: "DeploymentRecorded", deployment })
  })
  for (const agentId of new Set(command.outcomes.map(({ agent_id }) => agent_id))) forgetOld(tx, agentId)
  if (events.length > 0) forgetGenerations(tx)
  return { value: { recorded: events.length }, events, audit: null }
}

const record = (
  tx: Transaction,
  { agent_id, manifest, outcome }: Recorded,
  position: number
): Deployment | undefined => {
  const { connection } = tx
  const agent = findResource(connection, "agent", agent_id)
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
  count(tx, deployment, manifest)
  if (outcome.serving_generation !== null) {
    connection.run(
      "INSERT OR REPLACE INTO serving_generations (agent_id, generation) VALUES (?, ?)",
      agent_id,
      outcome.serving_generation
    )
  }
  return deployment
}

const count = (tx: Transaction, { generation, status }: Deployment, manifest: Recorded["manifest"]): void => {
  tx.connection.run(
    `INSERT INTO generations (generation, settled, failed, rolled_back, rollback_failed, interrupted, entry)
     VALUES (?, 0, 0, 0, 0, 0, ?) ON CONFLICT (generation) DO UPDATE SET entry = excluded.entry`,
    generation,
    tx.index
  )
  tx.connection.run(`UPDATE generations SET ${status} = ${status} + 1 WHERE generation = ?`, generation)
  if (status === "settled" && manifest !== undefined) {
    tx.connection.run("UPDATE generations SET manifest = ? WHERE generation = ?", JSON.stringify(manifest), generation)
  }
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
