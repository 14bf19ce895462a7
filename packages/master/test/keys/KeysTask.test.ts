/** The leader's task, with real keys in files and a real state. */
import { assert, describe, it } from "@effect/vitest"
import { randomBytes } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Command } from "@nxmesh/protocol/Command"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Effect, Layer, Redacted, Scope } from "effect"
import { TestClock } from "effect/testing"
import { until } from "../../../../test/support/Wait.ts"
import { layerKeysTask } from "../../src/keys/KeysTask.ts"
import { layerSealingKeyWatch } from "../../src/keys/SealingKeyWatch.ts"
import { nextKeyFile } from "../../src/secrets/KeyRing.ts"
import { sealedPlaces, Secrets } from "../../src/secrets/Secrets.ts"
import { Database } from "../../src/state/Database.ts"
import { signingKeys } from "../../src/state/ReadIdentities.ts"
import { keyRotation, placesSealedWith } from "../../src/state/ReadKeys.ts"
import { makeFakeNode } from "../cluster/FakeNode.ts"
import { initialise } from "../state/TestCluster.ts"
import { hash, onMaster, submit, temporaryDirectory } from "../state/TestMaster.ts"

const tokens = 40

const begun = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  const keyFile = join(directory, "secrets.key")
  const secrets = yield* Effect.provide(Secrets, Secrets.layerAt({ keyFile, create: true }))
  const seal = (text: string, place: string) => secrets.seal(Redacted.make(text), place)
  yield* submit({
    ...initialise(),
    cluster_version: 4,
    ca_private_key: yield* seal("authority", sealedPlaces.clusterCa),
    signing_key: { key_id: "k1", public_jwk: {}, private_jwk: yield* seal("{}", sealedPlaces.signingKey("k1")) }
  } as Command)
  const { writer } = yield* Database
  for (let number = 0; number < tokens; number++) {
    const outcome = JSON.stringify({ value: { sealed_token: yield* seal(`token ${number}`, "token") } })
    writer.run(
      "INSERT INTO idempotency (principal, key, body_hash, outcome, expires_at_millis) VALUES ('p', ?, ?, ?, 9e15)",
      `key ${number}`,
      hash("a"),
      outcome
    )
  }
  return { keyFile, secrets }
})

/** Runs both parts until the scope is closed, as a master does that leads. */
const leading = Effect.fnUntraced(function* (secrets: Secrets["Service"]) {
  const scope = yield* Scope.make()
  const node = yield* makeFakeNode({})
  yield* Layer.buildWithScope(
    Layer.merge(layerKeysTask, layerSealingKeyWatch).pipe(Layer.provide([node.layer, Layer.succeed(Secrets, secrets)])),
    scope
  )
  return scope
})

/** The files and the thread of the crypto library take real time, the task's own is the test's. */
const fact = <A>(look: Effect.Effect<A>, holds: (found: A) => boolean, options: { readonly fact: string }) =>
  TestClock.withLive(until(look, holds, options))

describe("the leader's task of keys", () => {
  it.effect("wraps all anew with the key beside the key file, seals with it, and ends after a minute", () =>
    onMaster(
      Effect.gen(function* () {
        const { keyFile, secrets } = yield* begun
        const { reader } = yield* Database
        const from = secrets.keyId()
        assert.lengthOf(placesSealedWith(reader, from, 100), tokens + 2)
        yield* Effect.promise(() => writeFile(nextKeyFile(keyFile), randomBytes(32), { mode: 0o600 }))
        yield* secrets.ring.refresh
        const to = secrets.ring.keyIds().find((key) => key !== from) ?? ""
        yield* submit({ _tag: "BeginKeyRotation", from_key_id: from, to_key_id: to })
        const first = yield* leading(secrets)
        const left = Effect.sync(() => placesSealedWith(reader, from, 100).length)
        yield* fact(left, (count) => count === 0, { fact: "nothing is under the old key" })
        yield* fact(Effect.sync(secrets.keyId), (key) => key === to, { fact: "this master seals with the new key" })
        assert.isNull(keyRotation(reader)?.ended_at, "not before a minute is over")
        yield* Scope.close(first, yield* Effect.exit(Effect.void))
        yield* TestClock.adjust("1 minute")
        yield* leading(secrets)
        const rotation = Effect.sync(() => keyRotation(reader))
        yield* fact(rotation, (found) => typeof found?.ended_at === "string", { fact: "the next leader ended it" })
        assert.strictEqual(keyRotation(reader)?.rewrapped, tokens + 2)
        const renamed = join(yield* temporaryDirectory, "secrets.key")
        const key = secrets.ring.active().key.key
        yield* Effect.promise(() => writeFile(renamed, Redacted.value(key), { mode: 0o600 }))
        const anew = yield* Effect.provide(Secrets, Secrets.layerAt({ keyFile: renamed, create: false }))
        const text = reader.get<{ text: string }>("SELECT ca_private_key AS text FROM cluster")?.text ?? ""
        const opened = yield* anew.open(JSON.parse(text) as SealedSecret, sealedPlaces.clusterCa)
        assert.strictEqual(Redacted.value(opened), "authority", "the new key alone opens it after the rotation")
      })
    )
  )

  it.effect("makes a signing key when the newest is old, and retires the old one when its tokens have expired", () =>
    onMaster(
      Effect.gen(function* () {
        const { secrets } = yield* begun
        const { reader } = yield* Database
        yield* TestClock.adjust("91 days")
        yield* leading(secrets)
        const keys = Effect.sync(() => signingKeys(reader).map(({ key_id }) => key_id))
        const added = yield* fact(keys, (found) => found.length === 2, { fact: "there is another key" })
        assert.strictEqual(added[1], "k1")
        yield* TestClock.adjust("26 minutes")
        yield* TestClock.adjust("5 seconds")
        const left = yield* fact(keys, (found) => found.length === 1, { fact: "the old one is retired" })
        assert.deepStrictEqual(left, added.slice(0, 1))
        assert.lengthOf(reader.all("SELECT key_id FROM retired_signing_keys WHERE key_id = 'k1'"), 1)
      })
    )
  )
})
