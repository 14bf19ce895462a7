/**
 * When each API key was last used, to the hour. A request notes it in memory; once a minute this master puts what it saw into
 * the log together, and only what would change the hour that is stored. A busy key costs an entry an hour and master, whatever
 * the number of its requests. What a master saw in its last minute before it stops may be lost.
 */
import type { ApiKeyId } from "@nxmesh/protocol/Ids"
import { Clock, Context, Duration, Effect, Layer, Schedule } from "effect"
import { Commands } from "../command/Commands.ts"
import { Limits } from "../Limits.ts"

interface Use {
  readonly api_key_id: ApiKeyId
  readonly at_millis: number
  readonly remote_address: string | null
}

const hourMillis = Duration.toMillis(Limits.auth.keyUseResolution)

/** Pure: whether a use now says more than what is stored. */
export const isNews = (lastUsedAt: string | null, nowMillis: number): boolean =>
  lastUsedAt === null || nowMillis - Date.parse(lastUsedAt) >= hourMillis

export class ApiKeyUses extends Context.Service<
  ApiKeyUses,
  {
    readonly note: (
      key: { readonly id: ApiKeyId; readonly last_used_at: string | null },
      remoteAddress: string | null
    ) => Effect.Effect<void>
    /** Puts into the log what was noted; it happens by itself once a minute. */
    readonly flush: Effect.Effect<void>
  }
>()("@nxmesh/master/auth/ApiKeyUses") {
  static readonly layer = Layer.effect(
    ApiKeyUses,
    Effect.gen(function* () {
      const commands = yield* Commands
      const noted = new Map<ApiKeyId, Use>()

      const note = Effect.fnUntraced(function* (
        key: { readonly id: ApiKeyId; readonly last_used_at: string | null },
        remoteAddress: string | null
      ) {
        const nowMillis = yield* Clock.currentTimeMillis
        if (!isNews(key.last_used_at, nowMillis)) return
        // There are no more keys than the state keeps; those beyond one command wait for the next minute.
        if (noted.size >= Limits.auth.keyUsesPerCommandMax && !noted.has(key.id)) return
        noted.set(key.id, { api_key_id: key.id, at_millis: nowMillis, remote_address: remoteAddress })
      })

      const flush = Effect.gen(function* () {
        const uses = [...noted.values()]
        if (uses.length === 0) return
        yield* commands.submit({
          principal: { _tag: "System", component: "api-keys" },
          command: { _tag: "RecordApiKeyUses", uses }
        })
        for (const use of uses) if (noted.get(use.api_key_id) === use) noted.delete(use.api_key_id)
      }).pipe(
        Effect.catch((error) => Effect.logDebug("the last use of API keys is told later", { error: error.message })),
        Effect.withSpan("ApiKeyUses.flush")
      )

      yield* flush.pipe(Effect.schedule(Schedule.spaced(Limits.auth.keyUseInterval)), Effect.forkScoped)
      return ApiKeyUses.of({ note, flush })
    })
  )
}
