import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Effect, Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { EventWatch } from "./EventWatch.ts"
import { refuse } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"
import { watchable } from "./Watchable.ts"

export const layerWatch = HttpApiBuilder.group(
  NxMeshApi,
  "watch",
  Effect.fnUntraced(function* (handlers) {
    const { watch } = yield* EventWatch
    return handlers.handleAll({
      watch: Effect.fn("watch.watch")(function* ({ query }) {
        const { access } = yield* CurrentUser
        const answer = yield* watch({
          index: query.index,
          waitSeconds: query.wait_seconds,
          tell: (applied) => watchable(applied, access)
        }).pipe(Effect.mapError(({ message }) => refuse("TOO_MANY_REQUESTS", message)))
        yield* answerHeaders(indexHeader(answer.index))
        return { data: answer }
      })
    })
  })
).pipe(Layer.provide(EventWatch.layer))
