/** Pages of health reports and events: their statements, and what rows become. Pure. */
import { AgentId, OrganizationId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import type { EventRow, HealthHistoryRow } from "@nxmesh/protocol/model/TelemetryHistory"
import { behindSql, cursorOf, type LogPlace } from "../accessLogs/LogCursor.ts"
import type { Placed } from "../accessLogs/MergePages.ts"
import type { SqlRow, SqlValue, TelemetryDialect } from "../TelemetrySql.ts"

export interface Statement {
  readonly text: string
  readonly parameters: ReadonlyArray<SqlValue>
}

export interface Page {
  readonly fromMillis: number
  readonly toMillis: number
  readonly after: LogPlace | null
  readonly limit: number
}

export interface HealthAsked extends Page {
  readonly agentId: string
}

/** Whose events: those about these agents, or in these places; `null` for all. */
export interface EventsSeen {
  readonly agentIds: ReadonlyArray<string>
  readonly workspaceIds: ReadonlyArray<string>
  readonly organizationIds: ReadonlyArray<string>
}

export interface EventsAsked extends Page {
  readonly seen: EventsSeen | null
  readonly agentId: string | null
  readonly workspaceId: string | null
  readonly kind: string | null
}

/** Ids go as one JSON text: there may be thousands. */
export const isOneOf = (column: string, dialect: TelemetryDialect): string =>
  dialect === "sqlite"
    ? `${column} IN (SELECT value FROM json_each(?))`
    : `${column} IN (SELECT json_array_elements_text(CAST(? AS json)))`

type Condition = Statement

const inTime = ({ fromMillis, toMillis }: Page): Condition => ({
  text: "t.at >= ? AND t.at < ?",
  parameters: [fromMillis, toMillis]
})

const joined = (conditions: ReadonlyArray<Condition>): Condition => ({
  text: conditions.map(({ text }) => text).join(" AND "),
  parameters: conditions.flatMap(({ parameters }) => parameters)
})

const behind = ({ after }: Page, master: string): ReadonlyArray<Condition> =>
  after === null ? [] : [behindSql(after, master)]

const equals = (column: string, value: string | null): ReadonlyArray<Condition> =>
  value === null ? [] : [{ text: `t.${column} = ?`, parameters: [value] }]

export const healthStatement = (asked: HealthAsked, master: string): Statement => {
  const where = joined([
    { text: "a.agent_id = ?", parameters: [asked.agentId] },
    inTime(asked),
    ...behind(asked, master)
  ])
  return {
    text: `SELECT t.id AS id, t.at AS at, t.received AS received, t.data AS data FROM health t JOIN agents a ON a.id = t.agent
      WHERE ${where.text} ORDER BY t.at DESC, t.id DESC LIMIT ?`,
    parameters: [...where.parameters, asked.limit]
  }
}

const seenBy = (seen: EventsSeen | null, dialect: TelemetryDialect): ReadonlyArray<Condition> =>
  seen === null
    ? []
    : [
        {
          text: `(${[
            isOneOf("t.agent_id", dialect),
            isOneOf("t.workspace_id", dialect),
            isOneOf("t.organization_id", dialect)
          ].join(" OR ")})`,
          parameters: [seen.agentIds, seen.workspaceIds, seen.organizationIds].map((ids) => JSON.stringify(ids))
        }
      ]

export const eventsStatement = (asked: EventsAsked, master: string, dialect: TelemetryDialect): Statement => {
  const where = joined([
    inTime(asked),
    ...equals("agent_id", asked.agentId),
    ...equals("workspace_id", asked.workspaceId),
    ...equals("kind", asked.kind),
    ...seenBy(asked.seen, dialect),
    ...behind(asked, master)
  ])
  return {
    text: `SELECT t.* FROM events t WHERE ${where.text} ORDER BY t.at DESC, t.id DESC LIMIT ?`,
    parameters: [...where.parameters, asked.limit]
  }
}

export interface PlacedHealth extends Placed {
  readonly row: HealthHistoryRow
}
export interface PlacedEvent extends Placed {
  readonly row: EventRow
}

const isoOf = (millis: unknown): string => new Date(Number(millis)).toISOString()
const placeOf = ({ at, id }: SqlRow, master: string): LogPlace => ({ atMillis: Number(at), master, id: Number(id) })

export const healthOf = (row: SqlRow, master: string): PlacedHealth => {
  const place = placeOf(row, master)
  return {
    place,
    // An agent that changes its master may have told both.
    origin: String(row["at"]),
    row: {
      id: cursorOf(place),
      timestamp: isoOf(row["at"]),
      received_at: isoOf(row["received"]),
      // By this master's schema, when it was taken.
      health: JSON.parse(String(row["data"])) as HealthReport
    }
  }
}

export const eventOf = (row: SqlRow, master: string): PlacedEvent => {
  const place = placeOf(row, master)
  const idOrNull = <A>(value: unknown, make: (text: string) => A): A | null =>
    value === null ? null : make(String(value))
  return {
    place,
    origin: String(row["key"]),
    row: {
      id: cursorOf(place),
      timestamp: isoOf(row["at"]),
      kind: String(row["kind"]),
      agent_id: idOrNull(row["agent_id"], AgentId.make),
      workspace_id: idOrNull(row["workspace_id"], WorkspaceId.make),
      organization_id: idOrNull(row["organization_id"], OrganizationId.make),
      text: String(row["text"]),
      data: JSON.parse(String(row["data"])) as unknown
    }
  }
}
