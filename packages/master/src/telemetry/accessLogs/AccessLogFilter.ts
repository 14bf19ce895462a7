/** What a line of an access log must be, decided: asked for by a person, bounded in time, for the agents that the person may see. Pure. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { AccessLogFilterInput } from "@nxmesh/protocol/model/AccessLogQuery"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Result } from "effect"
import { Limits } from "../../Limits.ts"
import type { AccessLogColumns } from "./AccessLogTable.ts"
import { asciiLower } from "./AsciiLower.ts"
import { type AddressRange, isInRange, rangeOfAddress } from "./ClientAddress.ts"

/** JSON: other masters are asked with it. `null` where anything will do. */
export interface AccessLogConditions {
  readonly agentIds: ReadonlyArray<AgentId> | null
  readonly host: string | null
  readonly statusMin: number | null
  readonly statusMax: number | null
  readonly method: string | null
  readonly pathPrefix: string | null
  /** Latin letters in lower case. */
  readonly text: string | null
  readonly latencyMicrosMin: number | null
  readonly latencyMicrosMax: number | null
  readonly address: AddressRange | null
  readonly requestId: string | null
  readonly virtualHostId: string | null
}

export interface TimeRange {
  /** Included, milliseconds since 1970. */
  readonly fromMillis: number
  /** Excluded. */
  readonly toMillis: number
}

export interface AccessLogFilter extends AccessLogConditions, TimeRange {}

const { skewMillisMax, spanMillisDefault } = Limits.accessLogs

/** Without an end, what agents say whose clocks are a little ahead is in it. */
export const timeRange = (
  { from, to }: { readonly from?: string; readonly to?: string },
  nowMillis: number
): Result.Result<TimeRange, ReadonlyArray<ErrorDetail>> => {
  const toMillis = to === undefined ? nowMillis + skewMillisMax : Date.parse(to)
  const fromMillis = from === undefined ? Math.min(nowMillis, toMillis) - spanMillisDefault : Date.parse(from)
  return fromMillis < toMillis
    ? Result.succeed({ fromMillis, toMillis })
    : Result.fail([{ field: "from", message: "must be before to, which is now where it is not given" }])
}

const statusRange = ({
  status,
  status_gte,
  status_lte
}: Pick<AccessLogFilterInput, "status" | "status_gte" | "status_lte">): readonly [number | null, number | null] => {
  if (status === undefined) return [status_gte ?? null, status_lte ?? null]
  const low = Number(status.replace("xx", "00"))
  const high = status.endsWith("xx") ? low + 99 : low
  return [Math.max(low, status_gte ?? low), Math.min(high, status_lte ?? high)]
}

/** @param agentIds of those that may be seen and are asked for; `null` for all. */
export const conditionsOf = (
  input: Omit<AccessLogFilterInput, "from" | "to">,
  agentIds: ReadonlyArray<AgentId> | null
): Result.Result<AccessLogConditions, ReadonlyArray<ErrorDetail>> => {
  const address = input.remote_address === undefined ? null : rangeOfAddress(input.remote_address)
  if (input.remote_address !== undefined && address === null) {
    return Result.fail([
      { field: "remote_address", message: "must be an address or a network, as in 203.0.113.7 or 2001:db8::/32" }
    ])
  }
  const [statusMin, statusMax] = statusRange(input)
  return Result.succeed({
    agentIds,
    host: input.host === undefined ? null : asciiLower(input.host),
    statusMin,
    statusMax,
    method: input.method ?? null,
    pathPrefix: input.path_prefix ?? null,
    text: input.text === undefined ? null : asciiLower(input.text),
    latencyMicrosMin: input.latency_ms_gte === undefined ? null : Math.round(input.latency_ms_gte * 1_000),
    latencyMicrosMax: input.latency_ms_lte === undefined ? null : Math.round(input.latency_ms_lte * 1_000),
    address,
    requestId: input.request_id ?? null,
    virtualHostId: input.virtual_host_id ?? null
  })
}

export interface StoredLine {
  readonly agentId: AgentId
  readonly columns: AccessLogColumns
}

const between = (value: number | string | null, min: number | null, max: number | null): boolean =>
  (min === null && max === null) ||
  (typeof value === "number" && (min === null || value >= min) && (max === null || value <= max))

const contains = (columns: AccessLogColumns, text: string): boolean =>
  [columns.path, columns.query, columns.user_agent, columns.referer, columns.text].some(
    (value) => typeof value === "string" && asciiLower(value).includes(text)
  )

const is = (wanted: string | null, value: unknown): boolean => wanted === null || wanted === value

/** Whether a line fits: what the stores decide in SQL, and the live tail by itself. */
export const matches = (wanted: AccessLogConditions, { agentId, columns }: StoredLine): boolean =>
  (wanted.agentIds === null || wanted.agentIds.includes(agentId)) &&
  is(wanted.host, columns.host) &&
  is(wanted.method, columns.method) &&
  is(wanted.requestId, columns.request_id) &&
  is(wanted.virtualHostId, columns.virtual_host_id) &&
  between(columns.status, wanted.statusMin, wanted.statusMax) &&
  between(columns.duration_us, wanted.latencyMicrosMin, wanted.latencyMicrosMax) &&
  (wanted.pathPrefix === null || String(columns.path).startsWith(wanted.pathPrefix)) &&
  (wanted.address === null || (columns.address !== null && isInRange(String(columns.address), wanted.address))) &&
  (wanted.text === null || contains(columns, wanted.text))
