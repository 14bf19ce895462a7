import { createPublicKey, verify } from "node:crypto"
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Identity } from "@nxmesh/agent/link/Identity"
import { AgentId, ClusterId, KeyId } from "@nxmesh/protocol/Ids"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted } from "effect"

const directory = FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped()).pipe(
  Effect.provide(NodeServices.layer)
)
const at = (path: string) => Effect.provide(Identity.layer(path))
const load = (path: string) => Identity.use(Effect.succeed).pipe(at(path))

const key = Buffer.alloc(32, 7)
const answer = {
  agent_id: AgentId.make("018f0000-0000-7000-8000-000000000001"),
  cluster_id: ClusterId.make("018f0000-0000-7000-8000-000000000002"),
  key_id: KeyId.make("018f0000-0000-7000-8000-000000000003"),
  session_key: key.toString("base64"),
  masters: ["m:8443"]
}
const by = { tokenHash: "hash", caFingerprint: "f".repeat(64) }

describe("Identity", () => {
  it.effect("makes its own key once, and proves that it holds it", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const first = yield* load(path)
      const second = yield* load(path)
      assert.strictEqual(second.publicKey, first.publicKey)
      const publicKey = createPublicKey({ key: Buffer.from(first.publicKey, "base64"), format: "der", type: "spki" })
      assert.isTrue(verify(null, Buffer.from("text"), publicKey, Buffer.from(second.prove("text"), "base64")))
    })
  )

  it.effect("keeps its enrolment over a restart, sealed and for its owner alone", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const first = yield* load(path)
      assert.isNull(yield* first.enrolled)
      yield* first.enrol(answer, by)
      const enrolled = yield* (yield* load(path)).enrolled
      assert.strictEqual(enrolled?.agentId, answer.agent_id)
      assert.strictEqual(enrolled?.caFingerprint, by.caFingerprint)
      assert.deepStrictEqual(Buffer.from(Redacted.value(enrolled?.key ?? Redacted.make(new Uint8Array()))), key)
      const file = join(path, "identity.json")
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      assert.notInclude(readFileSync(file, "utf8"), answer.session_key)
    })
  )

  it.effect("keeps the newest list of masters over a restart, and writes nothing when it is known", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const identity = yield* load(path)
      yield* identity.learn(["m2:8443"])
      assert.isNull(yield* identity.enrolled)
      yield* identity.enrol(answer, by)
      yield* identity.learn(["m2:8443", "m3:8443"])
      const written = statSync(join(path, "identity.json")).ino
      yield* identity.learn(["m3:8443", "m2:8443"])
      yield* identity.learn([])
      assert.strictEqual(statSync(join(path, "identity.json")).ino, written)
      for (const one of [identity, yield* load(path)]) {
        assert.deepStrictEqual((yield* one.enrolled)?.masters, ["m2:8443", "m3:8443"])
      }
    })
  )

  it.effect("signs with a rotated key at once and after a restart", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const identity = yield* load(path)
      yield* identity.enrol(answer, by)
      const next = {
        key_id: KeyId.make("018f0000-0000-7000-8000-000000000004"),
        session_key: Buffer.alloc(32, 9).toString("base64")
      }
      yield* identity.rotate(next)
      for (const one of [identity, yield* load(path)]) assert.strictEqual((yield* one.enrolled)?.keyId, next.key_id)
    })
  )

  it.effect("counts connections, also over a restart and at once", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const identity = yield* load(path)
      const epochs = yield* Effect.all([identity.nextEpoch, identity.nextEpoch, identity.nextEpoch], { concurrency: 3 })
      assert.sameMembers(epochs, [1, 2, 3])
      assert.strictEqual(yield* (yield* load(path)).nextEpoch, 4)
    })
  )

  it.effect("refuses files that others can read, are damaged, or belong to another key, and says what to do", () =>
    Effect.gen(function* () {
      const file = (path: string, name = "identity.json") => join(path, name)
      const spoil: ReadonlyArray<readonly [RegExp, (path: string) => void]> = [
        [/chmod 600/, (path) => chmodSync(file(path), 0o644)],
        [/remove it and enrol/, (path) => writeFileSync(file(path), "{}")],
        [/remove it and enrol/, (path) => writeFileSync(file(path, "identity.key"), Buffer.alloc(32, 1))]
      ]
      for (const [says, act] of spoil) {
        const path = yield* directory
        yield* load(path)
        act(path)
        const error = yield* Effect.flip(load(path))
        assert.match(error.message, says)
      }
    })
  )
})
