/** The commands about the audit and about keys, against a master's API. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { adminEmail, adminPassword, layerTestMaster, TestMaster } from "../api/support/TestMaster.ts"
import { nxmesh } from "./CommandLine.ts"

const loggedIn = Effect.gen(function* () {
  const { origin } = yield* TestMaster
  const path = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-cli-"))),
    (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
  )
  const passwordFile = join(path, "password")
  yield* Effect.promise(() => writeFile(passwordFile, `${adminPassword}\n`))
  const at = { url: origin, sessionFile: join(path, "sessions.json"), passwordFile }
  yield* nxmesh(at, "login", "--email", adminEmail, "--password-file", passwordFile)
  return { at, path }
})

layer(layerTestMaster, { excludeTestServices: true })("nxmesh audit and keys", (it) => {
  it.effect("list, export, verify and cut, and tell one changed byte", () =>
    Effect.gen(function* () {
      const { at, path } = yield* loggedIn
      const listed = yield* nxmesh(at, "audit", "list", "--outcome", "accepted", "--limit", "2")
      assert.deepStrictEqual([listed.code, listed.err], [0, ""])
      assert.match(listed.out, /StartSession/)
      const file = join(path, "audit.ndjson")
      const exported = yield* nxmesh(at, "audit", "export", "--output", file)
      assert.deepStrictEqual([exported.code, exported.err], [0, ""])
      assert.match(exported.out, /whole: \d+ rows after entry 0/)
      const keys = join(path, "keys.json")
      const kept = yield* nxmesh(at, "audit", "keys")
      yield* Effect.promise(() => writeFile(keys, kept.out))
      const verified = yield* nxmesh(at, "audit", "verify", file, "--keys", keys)
      assert.match(verified.out, /with the cluster's key/, verified.err)
      const text = yield* Effect.promise(() => readFile(file, "utf8"))
      const changed = join(path, "changed.ndjson")
      yield* Effect.promise(() => writeFile(changed, text.replace("StartSession", "StartSessioN")))
      const found = yield* nxmesh(at, "audit", "verify", changed, "--keys", keys)
      assert.strictEqual(found.code, 1)
      assert.match(found.err, /was changed/)
      const cut = yield* nxmesh(at, "audit", "cut", "--export", file, "--through", "1")
      assert.deepStrictEqual([cut.code, cut.err], [0, ""])
      assert.match((yield* nxmesh(at, "audit", "verify")).out, /whole: \d+ rows after entry 1/)
    })
  )

  it.effect("status of keys and their rotation", () =>
    Effect.gen(function* () {
      const { at } = yield* loggedIn
      assert.match((yield* nxmesh(at, "keys", "status")).out, /it never rotated/)
      assert.match((yield* nxmesh(at, "keys", "rotate", "signing")).out, / next /)
      const early = yield* nxmesh(at, "keys", "rotate", "encryption")
      assert.strictEqual(early.code, 1)
      assert.match(early.err, /<key file>\.next/)
    })
  )
})
