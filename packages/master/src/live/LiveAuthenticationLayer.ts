/** The live channel's door: the same credentials as the API's, from the header of each message. */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { LiveAuthentication, type LiveRefused } from "@nxmesh/protocol/live/LiveRpcs"
import { Effect, Layer, Redacted } from "effect"
import { accessOfRole } from "../auth/Authorize.ts"
import { Credentials } from "../auth/Credentials.ts"
import { Reads } from "../state/Reads.ts"

const bearer = /^bearer +(.+)$/i

const refused = (message: string): LiveRefused => ({ _tag: "LiveRefused", reason: "unauthenticated", message })

export const layerLiveAuthentication = Layer.effect(
  LiveAuthentication,
  Effect.gen(function* () {
    const credentials = yield* Credentials
    const reads = yield* Reads
    return LiveAuthentication.of((effect, { headers }) =>
      Effect.gen(function* () {
        const text = bearer.exec(headers["authorization"] ?? "")?.[1] ?? ""
        const { principal } = yield* credentials
          .identify(Redacted.make(text))
          .pipe(Effect.mapError(({ message }) => refused(message)))
        const user = principal._tag === "User" ? yield* reads.get("user", principal.user_id) : undefined
        const access = user === undefined || user.role === null ? [] : accessOfRole(user.role)
        return yield* Effect.provideService(effect, CurrentUser, CurrentUser.of({ principal, access }))
      })
    )
  })
).pipe(Layer.provide(Credentials.layer))
