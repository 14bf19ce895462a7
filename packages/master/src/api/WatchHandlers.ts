import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Effect, Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Callers } from "../auth/Callers.ts"
import { Credentials } from "../auth/Credentials.ts"
import { EventWatch } from "./EventWatch.ts"
import { refuse } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"
import { watchable } from "./Watchable.ts"

export const layerWatch = HttpApiBuilder.group(
  NxMeshApi,
  "watch",
  Effect.fnUntraced(function* (handlers) {
    const { watch } = yield* EventWatch
    const callers = yield* Callers
    return handlers.handleAll({
      watch: Effect.fn("watch.watch")(function* ({ query }) {
        const { principal } = yield* CurrentUser
        const answer = yield* watch({
          index: query.index,
          waitSeconds: query.wait_seconds,
          access: callers.standing(principal),
          tell: watchable
        }).pipe(
          Effect.mapError(({ _tag, message }) =>
            refuse(_tag === "WatchEnded" ? "UNAUTHENTICATED" : "TOO_MANY_REQUESTS", message)
          )
        )
        yield* answerHeaders(indexHeader(answer.index))
        return { data: answer }
      })
    })
  })
).pipe(Layer.provide(Layer.merge(EventWatch.layer, Callers.layer.pipe(Layer.provide(Credentials.layer)))))
