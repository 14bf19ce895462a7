/** Who asks, with what they may do: for every door, and for connections that outlive the request that opened them. */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { type Access, narrowed } from "@nxmesh/protocol/model/Access"
import { Clock, Context, Effect, Layer, type Redacted } from "effect"
import { Reads } from "../state/Reads.ts"
import { type CredentialRefused, Credentials } from "./Credentials.ts"

type Caller = CurrentUser["Service"]

export interface Called {
  readonly current: Caller
  /** Given while the cluster had no quorum: it is for reading alone (design-cluster.md 20). */
  readonly isReadOnly: boolean
}

export class Callers extends Context.Service<
  Callers,
  {
    readonly current: (text: Redacted.Redacted<string>) => Effect.Effect<Called, CredentialRefused>
    /** What somebody who came in before may do now; `undefined` when they would not get in any more. */
    readonly standing: (principal: Caller["principal"]) => Effect.Effect<Access | undefined>
  }
>()("@nxmesh/master/auth/Callers") {
  static readonly layer = Layer.effect(
    Callers,
    Effect.gen(function* () {
      const credentials = yield* Credentials
      const reads = yield* Reads

      const current = Effect.fnUntraced(function* (text: Redacted.Redacted<string>) {
        const { isReadOnly, limits, principal } = yield* credentials.identify(text)
        const access = yield* reads.access(principal)
        return {
          current: CurrentUser.of({ principal, access: limits === null ? access : narrowed(access, limits) }),
          isReadOnly
        }
      })

      /** A session of a token that was given without a quorum is recorded nowhere: none is no reason to end. */
      const isStanding = Effect.fnUntraced(function* (principal: Caller["principal"]) {
        const nowMillis = yield* Clock.currentTimeMillis
        if (principal._tag === "ServiceAccount") {
          const account = yield* reads.get("service_account", principal.service_account_id)
          const key = yield* reads.apiKey(principal.api_key_id)
          const isOver = key === undefined || (key.expires_at !== null && Date.parse(key.expires_at) <= nowMillis)
          return account?.disabled === false && !isOver
        }
        const session = yield* reads.session(principal.session_id)
        const isOver =
          session !== undefined && (session.ended_at !== null || Date.parse(session.expires_at) <= nowMillis)
        return (yield* reads.get("user", principal.user_id))?.disabled === false && !isOver
      })

      return Callers.of({
        current,
        standing: (principal) =>
          Effect.flatMap(isStanding(principal), (stands) =>
            stands ? reads.access(principal) : Effect.succeed(undefined)
          )
      })
    })
  )
}
