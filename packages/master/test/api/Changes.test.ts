/** How changes are told, and what happens when many come at once. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { makeCertificate } from "./support/Certificates.ts"
import { ask, login } from "./support/Client.ts"
import { makeHost, makeWorkspace } from "./support/Fixtures.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const hosts = "/api/v1/virtual-hosts"

const summariesOf = Effect.fnUntraced(function* (path: string) {
  const token = yield* login()
  const versions = yield* ask("GET", `${path}/versions`, { token })
  return versions.body.data.map(({ change_summary }: { change_summary: string }) => change_summary)
})

layer(layerTestMaster, { excludeTestServices: true })("Changes", (it) => {
  it.effect("many changes at once without If-Match wait their turn, and none is refused", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const { id } = yield* makeHost()
      const names = Array.from({ length: 16 }, (_, index) => `name ${index}`)
      const answers = yield* Effect.forEach(
        names,
        (name) => ask("PATCH", `${hosts}/${id}`, { token, body: { name } }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([...new Set(answers.map(({ status }) => status))], [200])
      const versions = yield* ask("GET", `${hosts}/${id}/versions`, { token })
      assert.strictEqual(versions.body.meta.total, 17)
    })
  )

  it.effect("a version says what its author said of it: at create, change, rollback and delete", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const host = yield* makeHost({ change_summary: "the shop opens" })
      assert.notProperty(host, "change_summary")
      const path = `${hosts}/${host.id}`
      const body = { gzip_enabled: true, change_summary: "smaller pages" }
      const changed = yield* ask("PATCH", path, { token, body })
      assert.strictEqual(changed.status, 200, changed.text)
      assert.notProperty(changed.body.data, "change_summary")
      yield* ask("POST", `${path}/rollback`, { token, body: { version: 1, change_summary: "back" } })
      const deleted = yield* ask("DELETE", `${path}?change_summary=the%20shop%20closes`, { token })
      assert.strictEqual(deleted.status, 204, deleted.text)
      assert.deepStrictEqual(yield* summariesOf(path), ["the shop closes", "back", "smaller pages", "the shop opens"])
      const diff = yield* ask("GET", `${path}/diff?from=1&to=3`, { token })
      assert.deepStrictEqual(diff.body.data.changes, [])
    })
  )

  it.effect("every versioned kind takes a change_summary, and keeps it out of the resource", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const workspace_id = yield* makeWorkspace
      const certificate = yield* makeCertificate("summary.example.com")
      const bodies = {
        upstreams: { name: "u", servers: [{ address: "127.0.0.1:80" }] },
        templates: { name: "own", source: "{{> default}}" },
        certificates: { name: "c", ...certificate }
      }
      for (const [kind, fields] of Object.entries(bodies)) {
        const body = { workspace_id, ...fields, change_summary: "first" }
        const created = yield* ask("POST", `/api/v1/${kind}`, { token, body })
        assert.strictEqual(created.status, 201, created.text)
        const path = `/api/v1/${kind}/${created.body.data.id}`
        const changed = yield* ask("PATCH", path, { token, body: { name: "renamed", change_summary: "second" } })
        assert.strictEqual(changed.status, 200, changed.text)
        assert.notProperty(changed.body.data, "change_summary")
        assert.strictEqual((yield* ask("DELETE", `${path}?change_summary=third`, { token })).status, 204)
        assert.deepStrictEqual(yield* summariesOf(path), ["third", "second", "first"])
      }
    })
  )

  it.effect("a summary of several lines, or none at all, is refused by name", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const { id } = yield* makeHost()
      for (const change_summary of ["", "a\nb", "x".repeat(257)]) {
        const refused = yield* ask("PATCH", `${hosts}/${id}`, { token, body: { name: "x", change_summary } })
        assert.strictEqual(refused.status, 400, refused.text)
        assert.strictEqual(refused.body.error.details[0].field, "change_summary")
      }
      const unknown = yield* ask("DELETE", `${hosts}/${id}?because=x`, { token })
      assert.strictEqual(unknown.status, 400, unknown.text)
    })
  )
})
