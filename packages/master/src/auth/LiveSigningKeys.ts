/** The cluster's signing keys as the state has them: a key that another master added or retired counts from the next call on. */
import { Clock, Effect, Redacted } from "effect"
import type { JWK } from "jose"
import { sealedPlaces } from "../secrets/Secrets.ts"
import { openWithKeyFile } from "../secrets/WrongKeyFile.ts"
import type { StoredCluster } from "../state/ReadIdentities.ts"
import { Reads } from "../state/Reads.ts"
import { type SigningKey, SigningKeys, signerOf } from "./SigningKeys.ts"

type Keys = readonly [SigningKey, ...ReadonlyArray<SigningKey>]
type Stored = StoredCluster["signing_keys"][number]

export const openSigningKey = ({ created_at, key_id, private_jwk, public_jwk }: Stored) =>
  openWithKeyFile(private_jwk, sealedPlaces.signingKey(key_id)).pipe(
    Effect.map((jwk): SigningKey => ({
      keyId: key_id,
      publicJwk: public_jwk as JWK,
      privateJwk: Redacted.make(JSON.parse(Redacted.value(jwk)) as JWK),
      signsFromMillis: Date.parse(created_at)
    }))
  )

const namesOf = (keys: ReadonlyArray<{ readonly key_id: string }>) => keys.map(({ key_id }) => key_id).join(" ")

/** `opened` are those of the start. A key that does not open leaves what was before, and is complained of. */
export const liveSigningKeys = Effect.fnUntraced(function* (issuer: string, opened: Keys) {
  const reads = yield* Reads
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof openSigningKey>>>()
  let known: Keys = opened
  let names = opened.map(({ keyId }) => keyId).join(" ")

  const open = Effect.fnUntraced(function* (stored: ReadonlyArray<Stored>) {
    const before = new Map(known.map((key) => [key.keyId, key]))
    const [first, ...rest] = yield* Effect.forEach(stored, (key) => {
      const found = before.get(key.key_id)
      return found === undefined ? openSigningKey(key) : Effect.succeed(found)
    })
    if (first === undefined) return
    known = [first, ...rest]
    names = namesOf(stored)
  }, Effect.provideContext(context))

  const keys = Effect.gen(function* () {
    const stored = yield* reads.signingKeys
    if (namesOf(stored) !== names) {
      yield* open(stored).pipe(
        Effect.catch(({ message }) =>
          Effect.logError("a new signing key does not open, and is not used here", { why: message })
        )
      )
    }
    return known
  })
  return SigningKeys.of({
    issuer,
    keys,
    signer: Effect.gen(function* () {
      return signerOf(yield* keys, yield* Clock.currentTimeMillis)
    })
  })
})
