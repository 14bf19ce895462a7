/** Telemetry in one SQLite file. Synchronous, in a thread of its own. Throws SQLite's error; a transaction is then undone. */
import { DatabaseSync, type StatementSync } from "node:sqlite"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch } from "@nxmesh/protocol/link/OutboxBatch"
import { Limits } from "../Limits.ts"
import { decodeRows, type NewRow } from "./TelemetryRows.ts"
import { schema, schemaVersion } from "./TelemetrySchema.ts"
import { type TelemetryKind, telemetryKinds, type TelemetryQuery, type TelemetryRow } from "./TelemetryStore.ts"

const { telemetry: limits } = Limits

export class TelemetryOfAnotherVersion extends Error {}

interface Position {
  readonly id: number
  readonly sequence: number
  readonly dropped: number
}

export interface Taken {
  readonly through: number
  /** Rows that were kept, and reports that could not be decoded. */
  readonly rows: number
  readonly undecodable: number
}

export interface RetentionBounds {
  readonly bytesMax: number
  readonly ageMaxMillis: number
}

export class TelemetryDatabase {
  private readonly database: DatabaseSync
  private readonly statements = new Map<string, StatementSync>()

  constructor(file: string) {
    this.database = new DatabaseSync(file, { timeout: limits.busyMillisMax })
    try {
      // FULL: what was answered as taken is nowhere else any more.
      this.database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864")
      const version = Number(this.one("PRAGMA user_version")["user_version"])
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
    const agent = this.agent(agentId)
    const known = this.position(agent, batch.outbox_id, nowMillis)
    let { sequence } = known
    let rows = 0
    let undecodable = 0
    for (const entry of batch.entries) {
      if (entry.sequence <= sequence) continue
      sequence = entry.sequence
      const decoded = decodeRows(entry.kind, entry.report)
      if (decoded === null) undecodable += 1
      else rows += this.insert(agent, decoded, nowMillis, { outbox: known.id, sequence })
    }
    this.run("UPDATE positions SET sequence = ?, dropped = ?, seen = ? WHERE id = ?", [
      sequence,
      Math.max(known.dropped, batch.dropped),
      nowMillis,
      known.id
    ])
    if (batch.dropped > known.dropped) {
      this.event(agent, nowMillis, { event: "reports_dropped", reports: batch.dropped - known.dropped })
    }
    if (undecodable > 0) this.event(agent, nowMillis, { event: "reports_undecodable", reports: undecodable })
    return { through: sequence, rows, undecodable }
  }

  /** Inside a transaction. A report that came by itself. */
  note(agentId: AgentId, kind: string, report: string, nowMillis: number): number {
    const decoded = decodeRows(kind, report)
    return decoded === null ? 0 : this.insert(this.agent(agentId), decoded, nowMillis, null)
  }

  read({ agentId, before, kind, limit }: TelemetryQuery): ReadonlyArray<TelemetryRow> {
    const rows = this.prepared(
      `SELECT t.id, t.at, t.received, t.sequence, t.line, t.data, p.outbox_id
       FROM ${kind} t JOIN agents a ON a.id = t.agent LEFT JOIN positions p ON p.id = t.outbox
       WHERE a.agent_id = ? AND t.id < ? ORDER BY t.id DESC LIMIT ?`
    ).all(agentId, before ?? Number.MAX_SAFE_INTEGER, Math.min(limit, limits.rowsPerReadMax))
    return rows.map(({ at, data, id, line, outbox_id, received, sequence }) => ({
      id: Number(id),
      agent_id: agentId,
      at_millis: Number(at),
      received_at_millis: Number(received),
      position:
        outbox_id === null ? null : { outbox_id: String(outbox_id), sequence: Number(sequence), line: Number(line) },
      data: JSON.parse(String(data))
    }))
  }

  /** Inside a transaction. Removes some of what is too old or too much, the oldest first; true when there may be more. */
  retain(nowMillis: number, { ageMaxMillis, bytesMax }: RetentionBounds): boolean {
    for (const kind of telemetryKinds) {
      const received = this.oldest(kind)
      if (received !== null && nowMillis - received > ageMaxMillis) {
        this.removeOldest(kind, nowMillis - ageMaxMillis)
        return true
      }
    }
    if (this.usedBytes() <= bytesMax) return false
    const oldest = telemetryKinds
      .map((kind) => ({ kind, received: this.oldest(kind) ?? Number.POSITIVE_INFINITY }))
      .reduce((a, b) => (b.received < a.received ? b : a))
    if (oldest.received === Number.POSITIVE_INFINITY) return false
    this.removeOldest(oldest.kind, Number.MAX_SAFE_INTEGER)
    return true
  }

  /** Of pages that hold something: SQLite uses the others again. */
  usedBytes(): number {
    const [pages, free, size] = ["page_count", "freelist_count", "page_size"].map((name) =>
      Number(this.one(`PRAGMA ${name}`)[name])
    ) as [number, number, number]
    return (pages - free) * size
  }

  close(): void {
    this.statements.clear()
    this.database.close()
  }

  private insert(
    agent: number,
    rows: ReadonlyArray<NewRow>,
    nowMillis: number,
    position: { readonly outbox: number; readonly sequence: number } | null
  ): number {
    let count = 0
    for (const { atMillis, data, kind, line } of rows) {
      count += this.run(
        `INSERT OR IGNORE INTO ${kind} (agent, at, received, outbox, sequence, line, data) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        [agent, atMillis, nowMillis, position?.outbox ?? null, position?.sequence ?? null, line, JSON.stringify(data)]
      )
    }
    return count
  }

  private event(agent: number, nowMillis: number, data: object): void {
    this.insert(agent, [{ kind: "events", atMillis: nowMillis, line: 0, data }], nowMillis, null)
  }

  private agent(agentId: AgentId): number {
    this.run("INSERT OR IGNORE INTO agents (agent_id) VALUES (?)", [agentId])
    return Number(this.one("SELECT id FROM agents WHERE agent_id = ?", agentId)["id"])
  }

  /** An agent that begins one outbox after the other does not fill the disk with their places. */
  private position(agent: number, outboxId: string, nowMillis: number): Position {
    const find = () =>
      this.prepared("SELECT id, sequence, dropped FROM positions WHERE agent = ? AND outbox_id = ?").get(
        agent,
        outboxId
      )
    let found = find()
    if (found === undefined) {
      this.run("INSERT INTO positions (agent, outbox_id, sequence, dropped, seen) VALUES (?, ?, 0, 0, ?)", [
        agent,
        outboxId,
        nowMillis
      ])
      this.run(
        "DELETE FROM positions WHERE agent = ?1 AND id NOT IN (SELECT id FROM positions WHERE agent = ?1 ORDER BY seen DESC, id DESC LIMIT ?2)",
        [agent, limits.outboxesPerAgentMax]
      )
      found = find()
    }
    return { id: Number(found?.["id"]), sequence: Number(found?.["sequence"]), dropped: Number(found?.["dropped"]) }
  }

  private oldest(kind: TelemetryKind): number | null {
    const row = this.prepared(`SELECT received FROM ${kind} ORDER BY id LIMIT 1`).get()
    return row === undefined ? null : Number(row["received"])
  }

  private removeOldest(kind: TelemetryKind, beforeMillis: number): void {
    this.run(`DELETE FROM ${kind} WHERE id IN (SELECT id FROM ${kind} ORDER BY id LIMIT ?) AND received < ?`, [
      limits.rowsRemovedTogether,
      beforeMillis
    ])
  }

  private prepared(sql: string): StatementSync {
    const statement = this.statements.get(sql) ?? this.database.prepare(sql)
    this.statements.set(sql, statement)
    return statement
  }

  private run(sql: string, parameters: ReadonlyArray<number | string | null>): number {
    return Number(this.prepared(sql).run(...parameters).changes)
  }

  private one(sql: string, ...parameters: ReadonlyArray<string>): Record<string, unknown> {
    return this.prepared(sql).get(...parameters) ?? {}
  }
}
