/**
 * Takes groups of batches and notes into Postgres: all of a group in one transaction, each batch once, also when two masters are
 * offered the same one at once: the row of its outbox is locked first.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Limits } from "../../Limits.ts"
import { droppedEvent, undecodableEvent } from "../IntakeEvents.ts"
import type { RequestOf, TelemetryAnswer } from "../TelemetryMessage.ts"
import { decodeRows, type NewRow, ownValues } from "../TelemetryRows.ts"
import type { NewEvent } from "../TelemetryStore.ts"
import type { SqlValue } from "../TelemetrySql.ts"
import { tables } from "../TelemetryTables.ts"
import type { PostgresNumbers } from "./PostgresNumbers.ts"
import { arrayOf, insertRows, insertSamples } from "./PostgresRows.ts"

export type IntakeRequest = RequestOf<"Take"> | RequestOf<"Notes">

interface Position {
  readonly id: number
  sequence: number
  dropped: number
}

interface Placed {
  readonly agentId: string
  readonly row: NewRow
  readonly outbox: number | null
  readonly sequence: number | null
  readonly nowMillis: number
}

/** What a group comes to. Pure but for the positions, which move on. */
class Gathering {
  readonly placed: Array<Placed> = []
  readonly events: Array<{ readonly event: NewEvent; readonly nowMillis: number }> = []

  take({ agentId, batch, nowMillis }: RequestOf<"Take">, position: Position): TelemetryAnswer {
    let rows = 0
    let undecodable = 0
    for (const { kind, report, sequence } of batch.entries) {
      if (sequence <= position.sequence) continue
      position.sequence = sequence
      const decoded = decodeRows(kind, report, nowMillis)
      if (decoded === null) undecodable += 1
      for (const row of decoded ?? []) this.placed.push({ agentId, row, outbox: position.id, sequence, nowMillis })
      rows += decoded?.length ?? 0
    }
    const where = { agentId, outboxId: batch.outbox_id, atMillis: nowMillis }
    if (batch.dropped > position.dropped) {
      this.events.push({ event: droppedEvent(where, position.dropped, batch.dropped), nowMillis })
      position.dropped = batch.dropped
    }
    if (undecodable > 0) {
      this.events.push({ event: undecodableEvent(where, position.sequence, undecodable), nowMillis })
    }
    return { through: position.sequence, rows, undecodable }
  }

  notes({ notes, nowMillis }: RequestOf<"Notes">): TelemetryAnswer {
    let rows = 0
    let undecodable = 0
    for (const note of notes) {
      if (note._tag === "Event") {
        this.events.push({ event: note.event, nowMillis })
        rows += 1
        continue
      }
      const decoded = decodeRows(note.kind, note.report, nowMillis)
      if (decoded === null) undecodable += 1
      const { agentId } = note
      for (const row of decoded ?? []) this.placed.push({ agentId, row, outbox: null, sequence: null, nowMillis })
      rows += decoded?.length ?? 0
    }
    return { rows, undecodable }
  }
}

const positionKey = (agent: number, outboxId: string): string => `${agent} ${outboxId}`

const lockedPositions = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  takes: ReadonlyArray<RequestOf<"Take">>,
  numbers: PostgresNumbers
) {
  const pairs = new Map(
    takes.map(({ agentId, batch }) => {
      const agent = numbers.agentOf(agentId)
      return [positionKey(agent, batch.outbox_id), [agent, batch.outbox_id] as const]
    })
  )
  const ordered = [...pairs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair)
  const agents = ordered.map(([agent]) => agent)
  const parameters = [
    arrayOf("integer", agents),
    arrayOf(
      "text",
      ordered.map(([, outboxId]) => outboxId)
    )
  ]
  const begun = yield* sql.unsafe(
    `INSERT INTO positions (agent, outbox_id, sequence, dropped, seen)
     SELECT agent, outbox_id, 0, 0, $3::bigint FROM unnest($1::bigint[], $2::text[]) AS u (agent, outbox_id)
     ORDER BY agent, outbox_id ON CONFLICT (agent, outbox_id) DO NOTHING RETURNING id`,
    [...parameters, takes[0]?.nowMillis ?? 0]
  )
  const rows = yield* sql.unsafe<{ agent: number; outbox_id: string } & Position>(
    `SELECT p.id, p.agent, p.outbox_id, p.sequence, p.dropped FROM positions p
     JOIN unnest($1::bigint[], $2::text[]) AS u (agent, outbox_id) USING (agent, outbox_id)
     ORDER BY p.agent, p.outbox_id FOR UPDATE OF p`,
    parameters
  )
  // An agent that begins one outbox after the other does not fill the disk with their places.
  if (begun.length > 0) {
    yield* sql.unsafe(
      `DELETE FROM positions WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER
         (PARTITION BY agent ORDER BY seen DESC, id DESC) AS place FROM positions WHERE agent = ANY ($1::bigint[])) AS p
       WHERE place > $2)`,
      [arrayOf("integer", [...new Set(agents)]), Limits.telemetry.outboxesPerAgentMax]
    )
  }
  return new Map(
    rows.map(({ agent, dropped, id, outbox_id, sequence }) => [
      positionKey(agent, outbox_id),
      { id, sequence, dropped } satisfies Position
    ])
  )
})

/** False for a group that is there: its answer was lost. */
const isNewGroup = (sql: PgClient.PgClient, { nowMillis, sequence, writer }: RequestOf<"Notes">) =>
  Effect.map(
    sql.unsafe(
      `INSERT INTO writers (writer, sequence, seen) VALUES ($1, $2, $3)
       ON CONFLICT (writer) DO UPDATE SET sequence = excluded.sequence, seen = excluded.seen
       WHERE writers.sequence < excluded.sequence RETURNING writer`,
      [writer, sequence, nowMillis]
    ),
    ({ length }) => length > 0
  )

const insertAll = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  { events, placed }: Gathering,
  numbers: PostgresNumbers
) {
  const reports: Record<"health" | "error_logs" | "access_logs", Array<ReadonlyArray<SqlValue>>> = {
    health: [],
    error_logs: [],
    access_logs: []
  }
  const samples: Array<ReadonlyArray<SqlValue>> = []
  for (const { agentId, nowMillis, outbox, row, sequence } of placed) {
    const agent = numbers.agentOf(agentId)
    if (row.kind !== "metrics") {
      reports[row.kind].push([agent, row.atMillis, nowMillis, outbox, sequence, row.line, ...ownValues(row)])
      continue
    }
    const series = numbers.seriesOf({ agent, name: row.name, labels: row.labels })
    if (series !== null) samples.push([series, row.atMillis, nowMillis, row.value])
  }
  for (const kind of ["health", "error_logs", "access_logs"] as const) {
    yield* insertRows(sql, tables[kind], reports[kind])
  }
  yield* insertSamples(sql, samples)
  yield* insertRows(
    sql,
    tables.events,
    events.map(({ event, nowMillis }) => [
      ...[event.key, event.atMillis, nowMillis, event.kind, event.agentId, event.workspaceId, event.organizationId],
      ...[event.text, JSON.stringify(event.data)]
    ])
  )
})

/** The answers, in the order of the requests; all of it is kept, or nothing. */
export const takeGroup = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  numbers: PostgresNumbers,
  requests: ReadonlyArray<IntakeRequest>
) {
  const takes = requests.flatMap((request) => (request._tag === "Take" ? [request] : []))
  yield* numbers.knowAgents(
    requests.flatMap((request) =>
      request._tag === "Take"
        ? [request.agentId]
        : request.notes.flatMap((note) => (note._tag === "Report" ? [note.agentId] : []))
    )
  )
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      const positions = takes.length === 0 ? new Map<string, Position>() : yield* lockedPositions(sql, takes, numbers)
      const gathering = new Gathering()
      const answers: Array<TelemetryAnswer> = []
      for (const request of requests) {
        if (request._tag === "Take") {
          const position = positions.get(positionKey(numbers.agentOf(request.agentId), request.batch.outbox_id))
          if (position === undefined) return yield* Effect.die(new Error("the place of an outbox was not there"))
          answers.push(gathering.take(request, position))
        } else if (yield* isNewGroup(sql, request)) answers.push(gathering.notes(request))
        else answers.push({ rows: 0, undecodable: 0 })
      }
      yield* knowSeriesOf(gathering, numbers)
      yield* insertAll(sql, gathering, numbers)
      yield* movePositions(sql, positions, takes[0]?.nowMillis ?? 0)
      return answers
    })
  )
})

const knowSeriesOf = ({ placed }: Gathering, numbers: PostgresNumbers) =>
  numbers.knowSeries(
    placed.flatMap(({ agentId, row }) =>
      row.kind === "metrics" ? [{ agent: numbers.agentOf(agentId), name: row.name, labels: row.labels }] : []
    )
  )

const movePositions = (sql: PgClient.PgClient, positions: ReadonlyMap<string, Position>, nowMillis: number) => {
  if (positions.size === 0) return Effect.void
  const all = [...positions.values()]
  const column = (of: (position: Position) => number) => arrayOf("integer", all.map(of))
  return sql.unsafe(
    `UPDATE positions p SET sequence = u.sequence, dropped = u.dropped, seen = $4::bigint
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (id, sequence, dropped) WHERE p.id = u.id`,
    [column(({ id }) => id), column(({ sequence }) => sequence), column(({ dropped }) => dropped), nowMillis]
  )
}
