/**
 * The key-encryption keys that this master has: that of its key file, and while keys rotate also that of the file beside it,
 * `<key file>.next`. Either opens what it sealed; which of them seals, the cluster says. Keys are never sent.
 */
import { loadKeyFile, type SealingKey } from "@nxmesh/core/crypto/KeyFile"
import type { PrivateFileError } from "@nxmesh/core/crypto/PrivateFile"
import { makeSealer, rewrapped, SealError, type Sealer } from "@nxmesh/core/crypto/Sealer"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Effect, Result } from "effect"

interface Held {
  readonly key: SealingKey
  readonly sealer: Sealer
}

export interface KeyRing {
  /** Names of the keys that this master has. That of the key file first. */
  readonly keyIds: () => ReadonlyArray<string>
  readonly keys: () => ReadonlyArray<SealingKey>
  /** Which of them seals. */
  readonly active: () => Held
  /** Seals with this key from now on; false when it is not here. */
  readonly use: (keyId: string) => boolean
  readonly open: (sealed: SealedSecret, associatedData: string) => Effect.Effect<Uint8Array, SealError>
  readonly rewrap: (sealed: SealedSecret, toKeyId: string) => Result.Result<SealedSecret, SealError>
  /** Reads the files again: a key that came is taken, one that went is kept until the process ends. */
  readonly refresh: Effect.Effect<void>
}

export const nextKeyFile = (keyFile: string): string => `${keyFile}.next`

export const makeKeyRing = Effect.fnUntraced(function* (keyFile: string, first: SealingKey) {
  const held = new Map<string, Held>()
  const take = (key: SealingKey): Held => {
    const known = held.get(key.keyId) ?? { key, sealer: makeSealer(key) }
    held.set(key.keyId, known)
    return known
  }
  let active = take(first)
  let complaint: string | null = null

  /** That there is no next key is as it should be; one that cannot be used is told once. */
  const notTaken = (error: PrivateFileError) => {
    if (error.reason === "NotFound" || error.message === complaint) return Effect.void
    complaint = error.message
    return Effect.logWarning("a key file cannot be used", { why: error.message })
  }
  const refresh = Effect.forEach(
    [keyFile, nextKeyFile(keyFile)],
    (file) => loadKeyFile(file).pipe(Effect.map(take), Effect.catch(notTaken)),
    { discard: true }
  )
  yield* refresh

  const otherKey = ({ key_id }: SealedSecret) =>
    new SealError({
      reason: "OtherKey",
      message: `the secret is sealed under key ${key_id}, and the key file here holds key ${[...held.keys()].join(" and ")}`
    })
  const holder = (sealed: SealedSecret) =>
    Effect.suspend(() => {
      const known = held.get(sealed.key_id)
      if (known !== undefined) return Effect.succeed(known)
      return Effect.andThen(
        refresh,
        Effect.suspend(() => {
          const found = held.get(sealed.key_id)
          return found === undefined ? Effect.fail(otherKey(sealed)) : Effect.succeed(found)
        })
      )
    })

  const ring: KeyRing = {
    keyIds: () => [...held.keys()],
    keys: () => [...held.values()].map(({ key }) => key),
    active: () => active,
    use: (keyId) => {
      const found = held.get(keyId)
      if (found !== undefined) active = found
      return found !== undefined
    },
    open: (sealed, associatedData) =>
      Effect.flatMap(holder(sealed), ({ sealer }) => Effect.fromResult(sealer.open(sealed, associatedData))),
    rewrap: (sealed, toKeyId) => {
      const from = held.get(sealed.key_id)
      const to = held.get(toKeyId)
      return from === undefined || to === undefined
        ? Result.fail(otherKey(sealed))
        : rewrapped(sealed, from.key, to.key)
    },
    refresh
  }
  return ring
})
