/** What is learned of a request on its way, for its log line and for the audit. */
import { CurrentUser, RequestAttribution } from "@nxmesh/protocol/api/Authentication"
import { principalName } from "@nxmesh/protocol/Principal"
import { Context, Effect, Layer } from "effect"

export interface RequestRecordShape {
  /** Correlates an answer (`X-Request-Id`) with the log. */
  readonly id: string
  readonly remoteAddress: string | null
  /** The user's id, once known. */
  principal: string | null
}

export class RequestRecord extends Context.Service<RequestRecord, RequestRecordShape>()(
  "@nxmesh/master/api/RequestRecord"
) {}

/** Writes down who asked, as soon as it is known. */
export const layerRequestAttribution = Layer.succeed(RequestAttribution, (httpEffect) =>
  Effect.gen(function* () {
    const { principal } = yield* CurrentUser
    const record = Context.getOrUndefined(yield* Effect.context<never>(), RequestRecord)
    if (record !== undefined) record.principal = principalName(principal)
    return yield* httpEffect
  })
)
