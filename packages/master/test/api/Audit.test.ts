import { randomBytes } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { checkExport } from "../../src/audit/ExportFile.ts"
import { ask, login } from "./support/Client.ts"
import { layerTestMaster, TestMaster } from "./support/TestMaster.ts"

const write = (name: string, content: string | Uint8Array, mode = 0o644) =>
  Effect.gen(function* () {
    const { dataDirectory } = yield* TestMaster
    const path = join(dataDirectory, name)
    yield* Effect.promise(() => writeFile(path, content, { mode }))
    return path
  })

layer(layerTestMaster, { excludeTestServices: true })("Audit", (it) => {
  it.effect("tells who asked what from where and with what, a page at a time, filtered", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const made = yield* ask("POST", "/api/v1/organizations", {
        token,
        body: { name: "Audited", slug: "audited" },
        headers: { "user-agent": "a client/1" }
      })
      assert.strictEqual(made.status, 201, made.text)
      const { id } = made.body.data
      const found = yield* ask("GET", `/api/v1/audit?kind=organization&resource_id=${id}`, { token })
      assert.strictEqual(found.status, 200, found.text)
      const [row] = found.body.data
      assert.deepInclude(row, { command: "SaveOrganization", outcome: "accepted", organization_id: id, before: null })
      assert.deepInclude(row, { user_agent: "a client/1", request_id: made.headers.get("x-request-id") })
      assert.strictEqual(row.after.name, "Audited")
      assert.deepStrictEqual((yield* ask("GET", `/api/v1/audit/${row.entry}`, { token })).body.data, row)
      const page = yield* ask("GET", "/api/v1/audit?per_page=1", { token })
      const next = yield* ask("GET", page.body.links.next, { token })
      assert.isBelow(next.body.data[0].entry, page.body.data[0].entry)
      const refused = yield* ask("GET", "/api/v1/audit?outcome=refused&from=2100-01-01T00:00:00.000Z", { token })
      assert.deepStrictEqual([refused.body.data, refused.body.links.next], [[], null])
      for (const bad of ["from=yesterday", "cursor=-1", "cursor=1.5", "per_page=0", "nothing=1"]) {
        assert.strictEqual((yield* ask("GET", `/api/v1/audit?${bad}`, { token })).status, 400, bad)
      }
      assert.strictEqual((yield* ask("GET", "/api/v1/audit")).status, 401)
      assert.strictEqual((yield* ask("GET", "/api/v1/audit/999999", { token })).status, 404)
    })
  )

  it.effect("is exported whole, verified offline with keys and a head that were kept, and cut then alone", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const head = yield* ask("GET", "/api/v1/audit/head", { token })
      const early = { through: 1, exported: { entry: head.body.data.entry, hash: head.body.data.hash } }
      assert.strictEqual((yield* ask("POST", "/api/v1/audit/cut", { token, body: early })).status, 409)
      const exported = yield* ask("GET", "/api/v1/audit/export", { token })
      const keys = yield* ask("GET", "/api/v1/audit/keys", { token })
      const files = {
        file: yield* write("export.ndjson", exported.text),
        keysFile: yield* write("keys.json", keys.text),
        headFile: yield* write("head.json", head.text)
      }
      const verdict = yield* checkExport(files)
      assert.deepInclude(verdict, { trusted: true, gaps: 0 })
      assert.strictEqual(verdict.after.entry, 0)
      const changed = yield* write("changed.ndjson", exported.text.replace("accepted", "Accepted"))
      assert.include((yield* Effect.flip(checkExport({ ...files, file: changed }))).message, "was changed")
      const cut = { through: verdict.head.entry, exported: verdict.head }
      const answer = yield* ask("POST", "/api/v1/audit/cut", { token, body: cut })
      assert.strictEqual(answer.status, 200, answer.text)
      assert.deepStrictEqual(answer.body.data.anchor, verdict.head)
      const after = yield* ask("GET", "/api/v1/audit/verify", { token })
      assert.deepInclude(after.body.data, { whole: true, anchor: verdict.head })
      assert.strictEqual((yield* ask("GET", "/api/v1/audit/export?after=1", { token })).status, 400)
    })
  )

  it.effect("keys rotate: a key that signs tokens, those of agents, and that of secrets when every master has it", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const before = yield* ask("GET", "/api/v1/cluster/keys", { token })
      assert.strictEqual(before.status, 200, before.text)
      const signing = yield* ask("POST", "/api/v1/cluster/keys/signing", { token })
      assert.deepStrictEqual(
        signing.body.data.signing.map(({ state }: { readonly state: string }) => state),
        ["next", "signing"]
      )
      const published = yield* ask("GET", "/.well-known/jwks.json")
      assert.strictEqual(published.body.keys.length, 2)
      assert.strictEqual((yield* ask("GET", "/api/v1/users/me", { token })).status, 200)
      assert.isString((yield* ask("POST", "/api/v1/cluster/keys/agents", { token })).body.data.agents.rotate_before)
      const early = yield* ask("POST", "/api/v1/cluster/keys/encryption", { token })
      assert.strictEqual(early.status, 409, early.text)
      assert.include(early.text, "no master has a next key")
      yield* write("secrets.key.next", randomBytes(32), 0o600)
      const begun = yield* ask("POST", "/api/v1/cluster/keys/encryption", { token })
      assert.strictEqual(begun.status, 202, begun.text)
      const { encryption } = begun.body.data
      assert.strictEqual(encryption.rotation.from_key_id, before.body.data.encryption.key_id)
      assert.isAbove(encryption.rotation.remaining, 0)
    })
  )
})
