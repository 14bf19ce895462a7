/** What a request to the logs asks: whose lines may be read, of which time, and what refusals become. */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import type { AgentId, WorkspaceId } from "@nxmesh/protocol/Ids"
import { type Access, allows, visibleScopes } from "@nxmesh/protocol/model/Access"
import type { AccessLogFilterInput } from "@nxmesh/protocol/model/AccessLogQuery"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Clock, Effect, Result } from "effect"
import { Database } from "../state/Database.ts"
import { agentsIn } from "../state/ReadAgentsIn.ts"
import { Reads } from "../state/Reads.ts"
import { type AccessLogConditions, conditionsOf, timeRange } from "../telemetry/accessLogs/AccessLogFilter.ts"
import type { LogsFailed } from "../telemetry/accessLogs/AccessLogs.ts"
import { type LogPlace, placeOf } from "../telemetry/accessLogs/LogCursor.ts"
import { invalid, notFound, refuse } from "./Refusal.ts"

const orInvalid = <A>(result: Result.Result<A, ReadonlyArray<ErrorDetail>>) =>
  Effect.mapError(Effect.fromResult(result), invalid)

interface Whose {
  readonly agent_id?: AgentId
  readonly workspace_id?: WorkspaceId
}

/** The agents whose lines are asked for and may be read; `null` for all. Fails with NOT_FOUND for what may not be seen. */
export const readableAgents = Effect.fnUntraced(function* ({ agent_id, workspace_id }: Whose, access: Access) {
  const { reader } = yield* Database
  const reads = yield* Reads
  if (workspace_id !== undefined) {
    const scope = yield* reads.scopeOfWorkspace(workspace_id)
    if (scope === undefined || !allows(access, "log:read", scope)) {
      return yield* Effect.fail(notFound("workspace", workspace_id))
    }
  }
  const agentIds = agentsIn(reader, visibleScopes(access, "log:read"), workspace_id ?? null)
  if (agent_id === undefined) return agentIds
  // Lines of an agent that was deleted are for those who may read everything.
  if (agentIds !== null && !agentIds.includes(agent_id)) return yield* Effect.fail(notFound("agent", agent_id))
  return [agent_id]
})

/** For connections that live longer than a request: as above, with nothing where nothing may be read any more. */
export const agentsForNow = (whose: Whose, access: Access) =>
  readableAgents(whose, access).pipe(Effect.orElseSucceed((): ReadonlyArray<AgentId> => []))

type Conditions = Omit<AccessLogFilterInput, "from" | "to">

export const askedConditions = Effect.fnUntraced(function* (input: Conditions) {
  const { access } = yield* CurrentUser
  const agentIds = yield* readableAgents(input, access)
  return (yield* orInvalid(conditionsOf(input, agentIds))) satisfies AccessLogConditions
})

export const askedRange = Effect.fnUntraced(function* (input: Pick<AccessLogFilterInput, "from" | "to">) {
  return yield* orInvalid(timeRange(input, yield* Clock.currentTimeMillis))
})

export const askedFilter = Effect.fnUntraced(function* (input: AccessLogFilterInput) {
  const range = yield* askedRange(input)
  return { ...(yield* askedConditions(input)), ...range }
})

export const askedPlace = (after: string | undefined) => {
  const place: LogPlace | null = after === undefined ? null : placeOf(after)
  return after !== undefined && place === null
    ? Effect.fail(invalid([{ field: "after", message: "must be a cursor of an answer" }]))
    : Effect.succeed(place)
}

export const logsRefusal = ({ details, message, reason }: LogsFailed) =>
  refuse(reason === "TooMuch" ? "UNPROCESSABLE" : "UNAVAILABLE", message, details)
