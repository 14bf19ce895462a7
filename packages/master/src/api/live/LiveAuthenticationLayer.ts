/** The live channel's door: the same credentials as the API's, from the header of each message. */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { LiveAuthentication, type LiveRefused } from "@nxmesh/protocol/live/LiveRpcs"
import { Effect, Layer, Redacted } from "effect"
import { Callers } from "../../auth/Callers.ts"
import { Credentials } from "../../auth/Credentials.ts"

const bearer = /^bearer +(.+)$/i

const refused = (message: string): LiveRefused => ({ _tag: "LiveRefused", reason: "unauthenticated", message })

export const layerLiveAuthentication = Layer.effect(
  LiveAuthentication,
  Effect.gen(function* () {
    const callers = yield* Callers
    return LiveAuthentication.of((effect, { headers }) =>
      Effect.gen(function* () {
        const text = bearer.exec(headers["authorization"] ?? "")?.[1] ?? ""
        const { current } = yield* callers
          .current(Redacted.make(text))
          .pipe(Effect.mapError(({ message }) => refused(message)))
        return yield* Effect.provideService(effect, CurrentUser, current)
      })
    )
  })
).pipe(Layer.provide(Callers.layer.pipe(Layer.provide(Credentials.layer))))
