/** Telemetry in one SQLite file. Synchronous, in a thread of its own. Throws SQLite's error; a transaction is then undone. */
import { DatabaseSync } from "node:sqlite"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch } from "@nxmesh/protocol/link/OutboxBatch"
import { Limits } from "../../Limits.ts"
import { droppedEvent, undecodableEvent } from "../IntakeEvents.ts"
import type { RetentionBounds } from "../Retention.ts"
import type { RequestOf, Taken, TelemetryAnswers } from "../TelemetryMessage.ts"
import { decodeRows } from "../TelemetryRows.ts"
import { SqliteRetention } from "./SqliteRetention.ts"
import { SqliteRows } from "./SqliteRows.ts"
import { schema, schemaVersion } from "./SqliteSchema.ts"
import { Statements } from "./Statements.ts"

const { telemetry: limits } = Limits

export class TelemetryOfAnotherVersion extends Error {}

interface Position {
  readonly id: number
  readonly sequence: number
  readonly dropped: number
}

export class SqliteDatabase {
  private readonly database: DatabaseSync
  private readonly statements: Statements
  private readonly rows: SqliteRows
  private readonly retention: SqliteRetention

  constructor(file: string) {
    this.database = new DatabaseSync(file, { timeout: limits.busyMillisMax })
    this.statements = new Statements(this.database)
    this.rows = new SqliteRows(this.statements)
    this.retention = new SqliteRetention(this.statements)
    try {
      // FULL: what was answered as taken is nowhere else any more.
      this.database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864")
      const version = Number(this.statements.one("PRAGMA user_version")?.["user_version"])
      if (version === 0) this.database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`)
      else if (version !== schemaVersion) {
        throw new TelemetryOfAnotherVersion(`it is of version ${version}, and this NxMesh knows ${schemaVersion}`)
      }
    } catch (cause) {
      this.database.close()
      throw cause
    }
  }

  /** Several writes at the cost of one flush. */
  transaction<A>(write: () => A): A {
    this.database.exec("BEGIN IMMEDIATE")
    try {
      const answer = write()
      this.database.exec("COMMIT")
      return answer
    } catch (cause) {
      if (this.database.isTransaction) this.database.exec("ROLLBACK")
      throw cause
    }
  }

  /** Inside a transaction. What is at or below the place that is known was taken before. */
  take(agentId: AgentId, batch: OutboxBatch, nowMillis: number): Taken {
    const agent = this.rows.agent(agentId)
    const known = this.position(agent, batch.outbox_id, nowMillis)
    let { sequence } = known
    let rows = 0
    let undecodable = 0
    for (const entry of batch.entries) {
      if (entry.sequence <= sequence) continue
      sequence = entry.sequence
      const decoded = decodeRows(entry.kind, entry.report, nowMillis)
      if (decoded === null) undecodable += 1
      else rows += this.rows.insert(agent, decoded, nowMillis, { outbox: known.id, sequence })
    }
    this.statements.run("UPDATE positions SET sequence = ?, dropped = ?, seen = ? WHERE id = ?", [
      sequence,
      Math.max(known.dropped, batch.dropped),
      nowMillis,
      known.id
    ])
    const where = { agentId, outboxId: batch.outbox_id, atMillis: nowMillis }
    if (batch.dropped > known.dropped) this.rows.event(droppedEvent(where, known.dropped, batch.dropped), nowMillis)
    if (undecodable > 0) this.rows.event(undecodableEvent(where, sequence, undecodable), nowMillis)
    return { through: sequence, rows, undecodable }
  }

  /** Inside a transaction. */
  notes({ notes, nowMillis, sequence, writer }: RequestOf<"Notes">): TelemetryAnswers["Notes"] {
    const known = this.statements.one("SELECT sequence FROM writers WHERE writer = ?", writer)
    if (known !== undefined && Number(known["sequence"]) >= sequence) return { rows: 0, undecodable: 0 }
    this.statements.run(
      "INSERT INTO writers (writer, sequence, seen) VALUES (?1, ?2, ?3) ON CONFLICT (writer) DO UPDATE SET sequence = ?2, seen = ?3",
      [writer, sequence, nowMillis]
    )
    if (known === undefined) this.forgetWriters()
    let rows = 0
    let undecodable = 0
    for (const note of notes) {
      if (note._tag === "Event") {
        rows += this.rows.event(note.event, nowMillis)
        continue
      }
      const decoded = decodeRows(note.kind, note.report, nowMillis)
      if (decoded === null) undecodable += 1
      else rows += this.rows.insert(this.rows.agent(note.agentId), decoded, nowMillis, null)
    }
    return { rows, undecodable }
  }

  /** Inside a transaction. */
  retain(nowMillis: number, bounds: RetentionBounds): TelemetryAnswers["Retain"] {
    const more = this.retention.retain(nowMillis, bounds)
    return { more, usedBytes: this.retention.usedBytes() }
  }

  close(): void {
    this.statements.forget()
    this.database.close()
  }

  /** An agent that begins one outbox after the other does not fill the disk with their places. */
  private position(agent: number, outboxId: string, nowMillis: number): Position {
    const find = () =>
      this.statements.one(
        "SELECT id, sequence, dropped FROM positions WHERE agent = ? AND outbox_id = ?",
        agent,
        outboxId
      )
    let found = find()
    if (found === undefined) {
      this.statements.run("INSERT INTO positions (agent, outbox_id, sequence, dropped, seen) VALUES (?, ?, 0, 0, ?)", [
        agent,
        outboxId,
        nowMillis
      ])
      this.statements.run(
        "DELETE FROM positions WHERE agent = ?1 AND id NOT IN (SELECT id FROM positions WHERE agent = ?1 ORDER BY seen DESC, id DESC LIMIT ?2)",
        [agent, limits.outboxesPerAgentMax]
      )
      found = find()
    }
    return { id: Number(found?.["id"]), sequence: Number(found?.["sequence"]), dropped: Number(found?.["dropped"]) }
  }

  private forgetWriters(): void {
    this.statements.run(
      "DELETE FROM writers WHERE writer NOT IN (SELECT writer FROM writers ORDER BY seen DESC LIMIT ?)",
      [limits.outboxesPerAgentMax]
    )
  }
}
