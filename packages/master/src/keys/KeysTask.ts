/**
 * The leader's part of rotating keys: it wraps secrets anew while a rotation is under way, makes a signing key when the newest is
 * old, and retires those whose tokens have expired. All that it knows is in the state, so that the next leader goes on.
 */
import type { Principal } from "@nxmesh/protocol/Principal"
import { Clock, Duration, Effect, Result, Schedule } from "effect"
import { type Leadership, leaderTask } from "../cluster/LeaderTasks.ts"
import { Limits } from "../Limits.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Database } from "../state/Database.ts"
import { clusterVersion } from "../state/ReadCluster.ts"
import { signingKeys } from "../state/ReadIdentities.ts"
import { type KeyRotation, keyRotation, placesSealedWith } from "../state/ReadKeys.ts"
import { retirable } from "./KeyDecisions.ts"
import { rewrapRows } from "./Rewrapping.ts"
import { newSigningKey } from "./SigningKeyRotation.ts"

const rotator: Principal = { _tag: "System", component: "keys" }

/** Tokens of a key are good for so long after it signed the last one, by clocks that differ. */
const tokensKeptMillis =
  Duration.toMillis(Limits.auth.accessTokenLifetime) + 4 * Duration.toMillis(Limits.auth.clockSkew)

const rewrapSome = Effect.fnUntraced(function* ({ submit }: Leadership, rotation: KeyRotation) {
  const { reader } = yield* Database
  const { ring } = yield* Secrets
  const { from_key_id, to_key_id } = rotation
  const places = placesSealedWith(reader, from_key_id, Limits.keys.placesPerCommandMax)
  if (places.length === 0) return false
  const rows = yield* Effect.try({
    try: () => rewrapRows(places, from_key_id, (sealed) => Result.getOrThrow(ring.rewrap(sealed, to_key_id))),
    catch: (cause) => (cause instanceof Error ? cause : new Error(String(cause)))
  })
  yield* submit({ principal: rotator, command: { _tag: "RewrapSecrets", from_key_id, to_key_id, rows } })
  return true
})

/** A secret that a master sealed with the old key a moment before it learned of the rotation may still be on its way. */
const rotate = Effect.fnUntraced(function* (leadership: Leadership) {
  const { reader } = yield* Database
  const { ring } = yield* Secrets
  const rotation = keyRotation(reader)
  if (rotation === undefined || rotation.ended_at !== null) return
  yield* ring.refresh
  while (yield* rewrapSome(leadership, rotation)) yield* Effect.yieldNow
  const nowMillis = yield* Clock.currentTimeMillis
  if (nowMillis - Date.parse(rotation.begun_at) < Duration.toMillis(Limits.keys.rotationSettles)) return
  yield* leadership.submit({
    principal: rotator,
    command: { _tag: "EndKeyRotation", to_key_id: rotation.to_key_id }
  })
  yield* Effect.logInfo("every secret is under the new key: make it the key file of each master", {
    key_id: rotation.to_key_id
  })
})

const renewSigning = Effect.fnUntraced(function* ({ submit }: Leadership) {
  const { reader } = yield* Database
  const nowMillis = yield* Clock.currentTimeMillis
  const keys = signingKeys(reader).map(({ created_at, key_id }) => ({
    key_id,
    signsFromMillis: Date.parse(created_at)
  }))
  const [newest] = keys
  if (newest === undefined) return
  if (nowMillis - newest.signsFromMillis > Duration.toMillis(Limits.keys.signingKeyAge)) {
    yield* submit({ principal: rotator, command: yield* newSigningKey })
  }
  for (const key_id of retirable(keys, tokensKeptMillis, nowMillis)) {
    yield* submit({ principal: rotator, command: { _tag: "RetireSigningKey", key_id } })
  }
})

const look = Effect.fnUntraced(function* (leadership: Leadership) {
  const { reader } = yield* Database
  if (clusterVersion(reader) < 4) return
  yield* Effect.andThen(rotate(leadership), renewSigning(leadership)).pipe(
    Effect.catch((error) => Effect.logWarning(`the rotation of keys waits: ${error.message}`))
  )
})

const watch = (leadership: Leadership) =>
  Effect.asVoid(Effect.repeat(look(leadership), Schedule.spaced(Limits.keys.taskInterval)))

export const layerKeysTask = leaderTask({ name: "keys", run: watch })
