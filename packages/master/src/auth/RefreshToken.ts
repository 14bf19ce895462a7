/** The text of a refresh token: `<session id>.<secret>`. Only its hash is stored; the session's id finds the hash. */
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { SessionId, Sha256 } from "@nxmesh/protocol/Ids"
import { Effect, Redacted, Schema } from "effect"
import { Limits } from "../Limits.ts"

export interface RefreshToken {
  readonly sessionId: SessionId
  readonly text: Redacted.Redacted<string>
  readonly hash: Sha256
}

const of = (sessionId: SessionId, text: string): RefreshToken => ({
  sessionId,
  text: Redacted.make(text),
  hash: Sha256.make(sha256Hex(text))
})

/** A new token of a session. */
export const makeRefreshToken = Effect.fnUntraced(function* (sessionId: SessionId) {
  const identifiers = yield* Identifiers
  const secret = yield* identifiers.token(Limits.auth.refreshTokenBytes)
  return of(sessionId, `${sessionId}.${Redacted.value(secret)}`)
})

const isSessionId = Schema.is(SessionId)

/** `undefined` when the text is not of this form. */
export const parseRefreshToken = (text: Redacted.Redacted<string>): RefreshToken | undefined => {
  const [sessionId, secret, ...rest] = Redacted.value(text).split(".")
  if (sessionId === undefined || secret === undefined || secret === "" || rest.length > 0) return undefined
  return isSessionId(sessionId) ? of(sessionId, Redacted.value(text)) : undefined
}
