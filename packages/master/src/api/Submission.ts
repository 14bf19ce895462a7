/** How a handler gives a command: on behalf of the user who asks, retriable under their key, refused in the API's words. */
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import type { Command, Idempotency } from "@nxmesh/protocol/Command"
import { type ApiError, apiError } from "@nxmesh/protocol/Errors"
import { Sha256 } from "@nxmesh/protocol/Ids"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Effect, Option } from "effect"
import { HttpServerRequest } from "effect/http"
import { isTransient } from "../command/CommandError.ts"
import { type CommandError, type CommandRejected, Commands } from "../command/Commands.ts"
import { Limits } from "../Limits.ts"
import { refuse } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"

/** What a client may retry: its key, and a hash of what it asked, so that another request under the key is refused. */
export const idempotencyOf = (
  key: string | undefined,
  request: { readonly method: string; readonly path: string; readonly payload: unknown }
): Idempotency | null =>
  key === undefined ? null : { key, body_hash: Sha256.make(sha256Hex(canonicalJson(plainJson(request)))) }

/** As it would be on the wire: without what JSON cannot hold. */
const plainJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** Another command of the same request. */
export const derivedIdempotency = (idempotency: Idempotency | null, suffix: string): Idempotency | null =>
  idempotency === null ? null : { ...idempotency, key: `${idempotency.key}#${suffix}` }

export const commandRefusal = (error: CommandRejected | CommandError): ApiError => {
  if (error._tag === "CommandRejected") return apiError(error.rejection)
  switch (error.reason._tag) {
    case "OutcomeUnknown":
      return refuse("OUTCOME_UNKNOWN", "The change may or may not have been made: read before you repeat it", [
        { field: "command_id", message: error.reason.commandId }
      ])
    case "TooLarge":
      return refuse("PAYLOAD_TOO_LARGE", `The change was not made: ${error.message}`)
    default:
      return refuse("UNAVAILABLE", `The change was not made: ${error.message}`)
  }
}

export const currentPrincipal: Effect.Effect<Principal, never, CurrentUser> = Effect.map(
  CurrentUser,
  ({ principal }) => principal
)

export const remoteAddress = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
  Option.getOrNull(request.remoteAddress)
)

/** A client that was refused for the moment is told when to come back. */
const retryLater = (error: CommandRejected | CommandError) =>
  error._tag === "CommandError" && isTransient(error)
    ? answerHeaders({ "retry-after": String(Limits.api.unavailableRetrySeconds) })
    : Effect.void

/** Gives the command as the current user; what it answers when it was accepted. */
export const submitRaw = Effect.fnUntraced(function* (command: Command, idempotency: Idempotency | null = null) {
  const commands = yield* Commands
  const accepted = yield* commands
    .submit({ principal: yield* currentPrincipal, command, idempotency, remoteAddress: yield* remoteAddress })
    .pipe(Effect.tapError(retryLater))
  yield* answerHeaders(indexHeader(accepted.index))
  return accepted
})

export const submit = (command: Command, idempotency: Idempotency | null = null) =>
  Effect.mapError(submitRaw(command, idempotency), commandRefusal)
