/** Seals with the key that the cluster rotates to, from the moment that this master knows of it. */
import { Effect, Layer, Schedule } from "effect"
import { Limits } from "../Limits.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Database } from "../state/Database.ts"
import { keyRotation } from "../state/ReadKeys.ts"

export const layerSealingKeyWatch = Layer.effectDiscard(
  Effect.gen(function* () {
    const { reader } = yield* Database
    const { keyFile, keyId, ring } = yield* Secrets
    let complained = false
    const look = Effect.gen(function* () {
      const wanted = keyRotation(reader)?.to_key_id
      if (wanted === undefined || wanted === keyId()) return
      if (!ring.use(wanted)) yield* ring.refresh
      if (ring.use(wanted)) {
        yield* Effect.logInfo("secrets are sealed with another key", { key_id: wanted })
      } else if (!complained) {
        complained = true
        yield* Effect.logError(
          "the cluster's secrets are sealed with a key that is not here: put it into the key file",
          {
            key_id: wanted,
            key_file: keyFile
          }
        )
      }
    })
    yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced(Limits.keys.sealingKeyInterval)))
  })
)
