/** What every resource can do: conditional requests, retries, lists, history, references. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ask, login } from "./support/Client.ts"
import { makeCertificate } from "./support/Certificates.ts"
import { makeHost, makeWorkspace } from "./support/Fixtures.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const hosts = "/api/v1/virtual-hosts"

layer(layerTestMaster, { excludeTestServices: true })("Resources", (it) => {
  it.effect("If-Match lets the first of two changes through and answers 412 to the second", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const host = yield* makeHost()
      const headers = { "if-match": `"${host.revision}"` }
      const path = `${hosts}/${host.id}`
      const first = yield* ask("PATCH", path, { token, headers, body: { name: "one" } })
      assert.strictEqual(first.status, 200, first.text)
      assert.strictEqual(first.headers.get("etag"), `"${first.body.data.revision}"`)
      const second = yield* ask("PATCH", path, { token, headers, body: { name: "two" } })
      assert.strictEqual(second.status, 412, second.text)
      const gone = yield* ask("DELETE", path, { token, headers })
      assert.strictEqual(gone.status, 412, gone.text)
      assert.strictEqual((yield* ask("GET", path, { token })).body.data.name, "one")
      const odd = yield* ask("PATCH", path, { token, headers: { "if-match": "abc" }, body: { name: "x" } })
      assert.strictEqual(odd.status, 400, odd.text)
    })
  )

  it.effect("changes made at once without If-Match all happen", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const { id } = yield* makeHost()
      const bodies = [{ name: "a" }, { gzip_enabled: true }, { listen_ipv6: true }]
      const answers = yield* Effect.forEach(bodies, (body) => ask("PATCH", `${hosts}/${id}`, { token, body }), {
        concurrency: 3
      })
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [200, 200, 200]
      )
      const { data } = (yield* ask("GET", `${hosts}/${id}`, { token })).body
      assert.deepInclude(data, { name: "a", gzip_enabled: true, listen_ipv6: true })
    })
  )

  it.effect("If-None-Match answers 304 without a body while nothing changed", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const host = yield* makeHost()
      const path = `${hosts}/${host.id}`
      const same = yield* ask("GET", path, { token, headers: { "if-none-match": `"${host.revision}"` } })
      assert.strictEqual(same.status, 304)
      assert.strictEqual(same.text, "")
      assert.strictEqual(same.headers.get("etag"), `"${host.revision}"`)
      const other = yield* ask("GET", path, { token, headers: { "if-none-match": '"1"' } })
      assert.strictEqual(other.status, 200)
    })
  )

  it.effect("the same change again makes no revision and no version", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const host = yield* makeHost()
      const again = yield* ask("PATCH", `${hosts}/${host.id}`, { token, body: { name: host.name } })
      assert.strictEqual(again.body.data.revision, host.revision)
      const versions = yield* ask("GET", `${hosts}/${host.id}/versions`, { token })
      assert.strictEqual(versions.body.meta.total, 1)
    })
  )

  it.effect(
    "a POST retried under its Idempotency-Key answers the same, and another body under the key is refused",
    () =>
      Effect.gen(function* () {
        const token = yield* login()
        const key = { "idempotency-key": randomUUID() }
        const slug = `i-${randomUUID().slice(0, 8)}`
        const make = (name: string) =>
          ask("POST", "/api/v1/organizations", { token, headers: key, body: { name, slug } })
        const [first, second] = yield* Effect.all([make("a"), make("a")], { concurrency: 2 })
        assert.strictEqual(first.status, 201, first.text)
        assert.deepStrictEqual(second.body, first.body)
        const reused = yield* make("b")
        assert.strictEqual(reused.status, 409)
        assert.strictEqual(reused.body.error.code, "IDEMPOTENCY_KEY_REUSED")
      })
  )

  it.effect("a retried registration answers the same agent and the same token", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const workspace_id = yield* makeWorkspace
      const headers = { "idempotency-key": randomUUID() }
      const register = ask("POST", "/api/v1/agents/register", { token, headers, body: { workspace_id, name: "edge" } })
      const first = yield* register
      assert.strictEqual(first.status, 201, first.text)
      assert.strictEqual(first.headers.get("cache-control"), "no-store")
      const { agent, token: issued } = first.body.data
      assert.strictEqual(agent.state, "Pending")
      assert.include(issued.command, `NXMESH_AGENT_TOKEN=${issued.token}`)
      assert.include(issued.command, `NXMESH_CA_FINGERPRINT=${issued.ca_fingerprint}`)
      assert.deepStrictEqual((yield* register).body, first.body)
      const listed = yield* ask("GET", `/api/v1/agents/${agent.id}/tokens`, { token })
      assert.deepStrictEqual(
        listed.body.data.map((each: object) => Object.keys(each).toSorted()),
        [["agent_id", "created_at", "expires_at", "id", "used_at"]]
      )
      const revoked = yield* ask("DELETE", `/api/v1/agents/${agent.id}/tokens/${issued.id}`, { token })
      assert.strictEqual(revoked.status, 204)
    })
  )

  it.effect("lists page, sort and filter, and their links lead through all of it", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const workspace_id = yield* makeWorkspace
      for (const name of ["b", "a", "c"]) {
        const body = { workspace_id, name, servers: [{ address: "127.0.0.1:80" }] }
        assert.strictEqual((yield* ask("POST", "/api/v1/upstreams", { token, body })).status, 201)
      }
      const names: Array<string> = []
      let next: string | null = `/api/v1/upstreams?workspace_id=${workspace_id}&sort=-name&per_page=2`
      while (next !== null) {
        const answer: { body: any } = yield* ask("GET", next, { token })
        names.push(...answer.body.data.map(({ name }: { name: string }) => name))
        assert.strictEqual(answer.body.meta.total, 3)
        next = answer.body.links.next
      }
      assert.deepStrictEqual(names, ["c", "b", "a"])
      const one = yield* ask("GET", `/api/v1/upstreams?workspace_id=${workspace_id}&name=b`, { token })
      assert.strictEqual(one.body.meta.total, 1)
    })
  )

  it.effect("agents are listed by state and by label", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const workspace_id = yield* makeWorkspace
      for (const [name, maintenance, env] of [
        ["a", false, "prod"],
        ["b", true, "prod"],
        ["c", true, "test"]
      ] as const) {
        const body = { workspace_id, name, maintenance, labels: { env } }
        assert.strictEqual((yield* ask("POST", "/api/v1/agents", { token, body })).status, 201)
      }
      const namesOf = Effect.fnUntraced(function* (filter: string) {
        const answer = yield* ask("GET", `/api/v1/agents?workspace_id=${workspace_id}&${filter}`, { token })
        assert.strictEqual(answer.status, 200, answer.text)
        return answer.body.data.map(({ name }: { name: string }) => name)
      })
      assert.deepStrictEqual(yield* namesOf("state=Maintenance"), ["b", "c"])
      assert.deepStrictEqual(yield* namesOf("state=Pending"), ["a"])
      assert.deepStrictEqual(yield* namesOf("labels=env=prod"), ["a", "b"])
      assert.deepStrictEqual(yield* namesOf("labels=env=test&state=Pending"), [])
    })
  )

  it.effect("versions are kept, compared and gone back to, also after a delete", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const host = yield* makeHost()
      const path = `${hosts}/${host.id}`
      yield* ask("PATCH", path, { token, body: { server_name: "two.example.com" } })
      const diff = yield* ask("GET", `${path}/diff?from=v1&to=v2`, { token })
      assert.strictEqual(diff.status, 200, diff.text)
      assert.deepInclude(diff.body.data, { from: 1, to: 2 })
      assert.deepStrictEqual(
        diff.body.data.changes.map(({ path: pointer }: { path: string }) => pointer),
        ["/server_name"]
      )
      assert.include(JSON.stringify(diff.body.data.rendered), "two.example.com")
      const back = yield* ask("POST", `${path}/rollback`, { token, body: { version: 1 } })
      assert.strictEqual(back.body.data.server_name, host.server_name, back.text)
      assert.strictEqual((yield* ask("DELETE", path, { token })).status, 204)
      assert.strictEqual((yield* ask("GET", path, { token })).status, 404)
      const history = yield* ask("GET", `${path}/versions`, { token })
      assert.deepStrictEqual(
        history.body.data.map(({ change_summary, version_number }: any) => [version_number, change_summary]),
        [
          [4, "deleted"],
          [3, "rolled back to version 1"],
          [2, "changed server_name"],
          [1, "created"]
        ]
      )
      const restored = yield* ask("POST", `${path}/rollback`, { token, body: { version: 2 } })
      assert.strictEqual(restored.status, 200, restored.text)
      assert.strictEqual(restored.body.data.id, host.id)
      const deleted = yield* ask("POST", `${path}/rollback`, { token, body: { version: 4 } })
      assert.strictEqual(deleted.status, 400, deleted.text)
      assert.strictEqual((yield* ask("GET", `${path}/versions/99`, { token })).status, 404)
    })
  )

  it.effect("what is referenced is not deleted, and the references are named", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const workspace_id = yield* makeWorkspace
      const servers = [{ address: "127.0.0.1:80" }]
      const upstream = yield* ask("POST", "/api/v1/upstreams", { token, body: { workspace_id, name: "pool", servers } })
      const upstream_id = upstream.body.data.id
      const host = yield* makeHost({ workspace_id, locations: [{ path: "/", upstream_id }] })
      const refused = yield* ask("DELETE", `/api/v1/upstreams/${upstream_id}`, { token })
      assert.strictEqual(refused.status, 409)
      assert.strictEqual(refused.body.error.code, "REFERENCED")
      assert.include(refused.text, host.id)
      assert.strictEqual((yield* ask("DELETE", `${hosts}/${host.id}`, { token })).status, 204)
      assert.strictEqual((yield* ask("DELETE", `/api/v1/upstreams/${upstream_id}`, { token })).status, 204)
    })
  )

  it.effect("a certificate is answered without its key, renewed, and rolled back with it", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const workspace_id = yield* makeWorkspace
      const pair = yield* makeCertificate("a.example.com")
      const path = "/api/v1/certificates"
      const created = yield* ask("POST", path, { token, body: { workspace_id, name: "a", ...pair } })
      assert.strictEqual(created.status, 201, created.text)
      const { id, revision } = created.body.data
      assert.deepInclude(created.body.data, { domain: "a.example.com", status: "active", provider: "custom" })
      const again = yield* ask("PATCH", `${path}/${id}`, { token, body: pair })
      assert.strictEqual(again.body.data.revision, revision, "the same certificate changes nothing")
      const renewed = yield* ask("PATCH", `${path}/${id}`, { token, body: yield* makeCertificate("b.example.com") })
      assert.strictEqual(renewed.body.data.domain, "b.example.com", renewed.text)
      const half = yield* ask("PATCH", `${path}/${id}`, { token, body: { certificate_pem: pair.certificate_pem } })
      assert.strictEqual(half.body.error.details[0].field, "private_key_pem")
      const back = yield* ask("POST", `${path}/${id}/rollback`, { token, body: { version: 1 } })
      assert.strictEqual(back.body.data.domain, "a.example.com", back.text)
      const everything = [created, renewed, back, yield* ask("GET", `${path}/${id}/versions`, { token })]
      for (const { text } of everything) assert.notMatch(text, /PRIVATE KEY|private_key|ciphertext/)
    })
  )

  it.effect("a preview shows what an agent would be given, drafts too", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const host = yield* makeHost()
      const agent = yield* ask("POST", "/api/v1/agents", {
        token,
        body: { workspace_id: host.workspace_id, name: "edge" }
      })
      const path = `/api/v1/agents/${agent.body.data.id}/preview`
      const preview = yield* ask("GET", path, { token })
      assert.strictEqual(preview.status, 200, preview.text)
      assert.include(preview.text, host.server_name)
      const { id: _id, created_at: _c, updated_at: _u, revision: _r, ...data } = host
      const draft = { kind: "virtual_host", id: host.id, data: { ...data, server_name: "draft.example.com" } }
      const drafted = yield* ask("POST", path, { token, body: { drafts: [draft] } })
      assert.strictEqual(drafted.status, 200, drafted.text)
      assert.include(drafted.text, "draft.example.com")
      assert.notStrictEqual(drafted.body.data.generation, preview.body.data.generation)
      const deploy = yield* ask("POST", path.replace("/preview", "/deploy"), { token })
      assert.strictEqual(deploy.status, 409, "the agent is not connected")
    })
  )
})
