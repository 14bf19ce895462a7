/**
 * The numbers by which rows name agents and series. They are made before the transaction that uses them, so that what is
 * remembered here is there, whatever becomes of it.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Limits } from "../../Limits.ts"
import { arrayOf } from "./PostgresRows.ts"

export interface SeriesName {
  readonly agent: number
  readonly name: string
  readonly labels: string
}

const keyOf = ({ agent, labels, name }: SeriesName): string => `${agent}\0${name}\0${labels}`

const seriesRememberedMax = 500_000

export class PostgresNumbers {
  private readonly sql: PgClient.PgClient
  private readonly agents = new Map<string, number>()
  private readonly series = new Map<string, number>()

  constructor(sql: PgClient.PgClient) {
    this.sql = sql
  }

  /** The database may have been replaced by another one. */
  forget(): void {
    this.agents.clear()
    this.series.clear()
  }

  agentOf(agentId: string): number {
    return this.agents.get(agentId) ?? -1
  }

  /** `null` for one more than an agent may have. */
  seriesOf(name: SeriesName): number | null {
    return this.series.get(keyOf(name)) ?? null
  }

  knowAgents(ids: Iterable<string>) {
    return Effect.gen({ self: this }, function* () {
      const missing = [...new Set(ids)].filter((id) => !this.agents.has(id)).sort()
      if (missing.length === 0) return
      const texts = arrayOf("text", missing)
      yield* this.sql.unsafe(
        "INSERT INTO agents (agent_id) SELECT * FROM unnest($1::text[]) ON CONFLICT (agent_id) DO NOTHING",
        [texts]
      )
      const rows = yield* this.sql.unsafe<{ id: number; agent_id: string }>(
        "SELECT id, agent_id FROM agents WHERE agent_id = ANY ($1::text[])",
        [texts]
      )
      for (const { agent_id, id } of rows) this.agents.set(agent_id, id)
    })
  }

  knowSeries(names: Iterable<SeriesName>) {
    return Effect.gen({ self: this }, function* () {
      if (this.series.size > seriesRememberedMax) this.series.clear()
      const missing = new Map<string, SeriesName>()
      for (const name of names) if (!this.series.has(keyOf(name))) missing.set(keyOf(name), name)
      if (missing.size === 0) return
      const wanted = [...missing].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name)
      yield* this.remember(wanted)
      const unknown = yield* this.withRoom(wanted.filter((name) => !this.series.has(keyOf(name))))
      if (unknown.length === 0) return
      yield* this.sql.unsafe(
        `INSERT INTO metric_series (agent, name, labels) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])
         ON CONFLICT (agent, name, labels) DO NOTHING`,
        this.columns(unknown)
      )
      yield* this.remember(unknown)
    })
  }

  private remember(names: ReadonlyArray<SeriesName>) {
    const query = this.sql.unsafe<{ id: number; agent: number; name: string; labels: string }>(
      `SELECT s.id, s.agent, s.name, s.labels FROM metric_series s
       JOIN unnest($1::bigint[], $2::text[], $3::text[]) AS u (agent, name, labels) USING (agent, name, labels)`,
      this.columns(names)
    )
    return Effect.map(query, (rows) => {
      for (const row of rows) this.series.set(keyOf(row), row.id)
    })
  }

  /** Those that their agents may still have. */
  private withRoom(names: ReadonlyArray<SeriesName>) {
    if (names.length === 0) return Effect.succeed(names)
    const counts = this.sql.unsafe<{ agent: number; count: number }>(
      "SELECT agent, count(*)::bigint AS count FROM metric_series WHERE agent = ANY ($1::bigint[]) GROUP BY agent",
      [arrayOf("integer", [...new Set(names.map(({ agent }) => agent))])]
    )
    return Effect.map(counts, (rows) => {
      const room = new Map(rows.map(({ agent, count }) => [agent, Limits.telemetry.seriesPerAgentMax - count]))
      return names.filter(({ agent }) => {
        const left = room.get(agent) ?? Limits.telemetry.seriesPerAgentMax
        room.set(agent, left - 1)
        return left > 0
      })
    })
  }

  private columns(names: ReadonlyArray<SeriesName>) {
    return [
      arrayOf(
        "integer",
        names.map(({ agent }) => agent)
      ),
      arrayOf(
        "text",
        names.map(({ name }) => name)
      ),
      arrayOf(
        "text",
        names.map(({ labels }) => labels)
      )
    ]
  }
}
