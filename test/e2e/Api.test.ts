/** One walk through the whole API as a newcomer would take it, against the real programs. */
import { assert, describe, it } from "@effect/vitest"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Effect } from "effect"
import { makeCertificate } from "../../packages/master/test/api/support/Certificates.ts"
import { type Api, send, signIn } from "../support/Api.ts"
import { administrator, type FleetAgent, type Master, startAgent, startMaster } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

interface Ground {
  readonly master: Master
  readonly api: Api
  readonly workspaceId: string
  readonly agent: FleetAgent
  readonly port: number
}

const v1 = "/api/v1"

const tenants = Effect.fnUntraced(function* (api: Api) {
  const organization = yield* api.expect(201, "POST", `${v1}/organizations`, { name: "Acme", slug: "acme" })
  const inside = `${v1}/organizations/${organization.id}/workspaces`
  const workspace = yield* api.expect(201, "POST", inside, { name: "Production", slug: "production" })
  const taken = yield* api.request("POST", `${v1}/organizations`, { name: "Other", slug: "acme" })
  assert.strictEqual(taken.status, 409)
  assert.strictEqual(taken.body.error.details[0].field, "slug")
  yield* api.expect(200, "PATCH", `${v1}/organizations/${organization.id}`, { name: "Acme Ltd" })
  const listed = yield* api.expect(200, "GET", inside)
  assert.deepStrictEqual(
    listed.map(({ id }: { id: string }) => id),
    [workspace.id]
  )
  yield* api.expect(409, "DELETE", `${v1}/organizations/${organization.id}`)
  return workspace.id as string
})

/** Tokens are listed without their text, and go when they are revoked. */
const enrolment = Effect.fnUntraced(function* (api: Api, workspace_id: string) {
  const spare = yield* api.expect(201, "POST", `${v1}/agents`, { workspace_id, name: "spare" })
  assert.strictEqual(spare.state, "Pending")
  const tokens = `${v1}/agents/${spare.id}/tokens`
  const token = yield* api.expect(201, "POST", tokens, {})
  assert.include(token.command, token.ca_fingerprint)
  assert.notInclude(JSON.stringify(yield* api.expect(200, "GET", tokens)), token.token)
  yield* api.expect(204, "DELETE", `${tokens}/${token.id}`)
  yield* api.expect(409, "POST", `${v1}/agents/${spare.id}/deploy`)
  yield* api.expect(204, "DELETE", `${v1}/agents/${spare.id}`)
})

/** A site over TLS, by an upstream, with a template of the workspace; previewed first. */
const site = Effect.fnUntraced(function* ({ agent, api, port, workspaceId: workspace_id }: Ground) {
  const certificate = yield* api.expect(201, "POST", `${v1}/certificates`, {
    workspace_id,
    name: "site",
    ...(yield* Effect.provide(makeCertificate("site.example"), Identifiers.layer))
  })
  assert.notProperty(certificate, "private_key_pem")
  const upstream = yield* api.expect(201, "POST", `${v1}/upstreams`, {
    workspace_id,
    name: "backend",
    servers: [{ address: "127.0.0.1:9" }]
  })
  const source = "{{> default}}"
  const template = yield* api.expect(201, "POST", `${v1}/templates`, { workspace_id, name: "own", source })
  const host = {
    workspace_id,
    name: "site",
    server_name: "site.example",
    listen_port: port,
    template: "own",
    locations: [
      { path: "/", return: { status: 200, text: "one" } },
      { path: "/api/", upstream_id: upstream.id }
    ]
  }
  const secured = { ...host, listen_port: yield* freePort, ssl_enabled: true, ssl_certificate_id: certificate.id }
  const drafts = [{ kind: "virtual_host", data: secured }]
  const preview = yield* api.expect(200, "POST", `${v1}/agents/${agent.id}/preview`, { drafts })
  assert.deepStrictEqual([preview.clashes, preview.problems], [[], []])
  const text = JSON.stringify(preview)
  assert.include(text, "ssl_certificate")
  assert.notInclude(text, "PRIVATE KEY")
  assert.notStrictEqual(
    preview.generation,
    (yield* api.expect(200, "GET", `${v1}/agents/${agent.id}`)).desired_generation
  )
  const created = yield* api.expect(201, "POST", `${v1}/virtual-hosts`, { ...host, change_summary: "opens" })
  yield* until(visit(port, "site.example"), (seen) => seen.text === "one", { fact: "the site is served" })
  for (const path of [`upstreams/${upstream.id}`, `templates/${template.id}`]) {
    const refused = yield* api.request("DELETE", `${v1}/${path}`)
    assert.strictEqual(refused.status, 409)
    assert.strictEqual(refused.body.error.code, "REFERENCED")
    assert.include(JSON.stringify(refused.body.error.details), created.id)
  }
  yield* api.expect(204, "DELETE", `${v1}/certificates/${certificate.id}`)
  const clash = yield* api.request("POST", `${v1}/virtual-hosts`, { ...host, name: "again" })
  assert.deepStrictEqual([clash.status, clash.body.error.code], [409, "CLASH"])
  return created
})

const conditions = Effect.fnUntraced(function* ({ api }: Ground, id: string) {
  const path = `${v1}/virtual-hosts/${id}`
  const read = yield* api.request("GET", path)
  const etag = read.headers.get("etag") ?? ""
  assert.strictEqual((yield* api.request("GET", path, undefined, { "if-none-match": etag })).status, 304)
  const two = {
    locations: [{ path: "/", return: { status: 200, text: "two" } }],
    change_summary: "says two"
  }
  yield* api.expect(200, "PATCH", path, two, { "if-match": etag })
  yield* api.expect(412, "PATCH", path, two, { "if-match": etag })
  yield* api.expect(412, "DELETE", path, undefined, { "if-match": etag })
  const bad = yield* api.request("PATCH", path, { listen_port: 70_000, colour: "red" })
  assert.strictEqual(bad.status, 400)
  assert.deepStrictEqual(bad.body.error.details.map(({ field }: { field: string }) => field).toSorted(), [
    "colour",
    "listen_port"
  ])
})

const history = Effect.fnUntraced(function* ({ agent, api, port }: Ground, id: string) {
  const path = `${v1}/virtual-hosts/${id}`
  yield* until(visit(port, "site.example"), (seen) => seen.text === "two", { fact: "the change is served" })
  const diff = yield* api.expect(200, "GET", `${path}/diff?from=v1&to=v2`)
  assert.include(JSON.stringify(diff.rendered), "+        return 200 two;")
  const first = yield* api.expect(200, "GET", `${path}/versions/1`)
  assert.strictEqual(first.change_summary, "opens")
  yield* api.expect(200, "POST", `${path}/rollback`, { version: 1 })
  yield* until(visit(port, "site.example"), (seen) => seen.text === "one", {
    fact: "the first version is served again"
  })
  const versions = yield* api.request("GET", `${path}/versions?per_page=2`)
  assert.strictEqual(versions.body.meta.total, 3)
  const rest = yield* api.request("GET", versions.body.links.next)
  assert.deepStrictEqual(
    [...versions.body.data, ...rest.body.data].map(({ change_summary }) => change_summary),
    ["rolled back to version 1", "says two", "opens"]
  )
  yield* api.expect(202, "POST", `${v1}/agents/${agent.id}/deploy`)
  const query = `${v1}/deployments?agent_id=${agent.id}&status=settled&sort=-finished_at&per_page=1`
  const deployments = yield* until(api.request("GET", query), ({ body }) => body.meta.total >= 3, {
    fact: "three deployments are recorded"
  })
  const [last] = deployments.body.data
  assert.strictEqual((yield* api.expect(200, "GET", `${v1}/deployments/${last.id}`)).status, "settled")
})

/** A second person, who may look and not touch. */
const people = Effect.fnUntraced(function* ({ api, master, workspaceId }: Ground) {
  const email = "ada@example.com"
  const password = "a long enough password"
  const user = yield* api.expect(201, "POST", `${v1}/users`, { email, name: "Ada", role: "viewer", password })
  const ada = yield* signIn(master.origin, email, password)
  const me = yield* ada.expect(200, "GET", `${v1}/users/me`)
  assert.notInclude(me.permissions, "config:write")
  yield* ada.expect(200, "GET", `${v1}/virtual-hosts?workspace_id=${workspaceId}`)
  const refused = yield* ada.request("POST", `${v1}/upstreams`, {})
  assert.strictEqual(refused.status, 403)
  assert.include(refused.body.error.message, "config:write")
  const change = { current_password: password, new_password: "another long password" }
  yield* ada.expect(204, "POST", `${v1}/users/me/password`, change)
  yield* signIn(master.origin, email, change.new_password)
  yield* api.expect(200, "PATCH", `${v1}/users/${user.id}`, { disabled: true })
  assert.strictEqual((yield* ada.request("GET", `${v1}/users/me`)).status, 401)
})

/** An answered write is there after kill -9, and a retried one is not made twice. */
const restart = Effect.fnUntraced(function* ({ master, workspaceId: workspace_id }: Ground, api: Api) {
  const body = { workspace_id, name: "kept", servers: [{ address: "127.0.0.1:9" }] }
  const key = { "idempotency-key": "kept-1" }
  const upstream = yield* api.expect(201, "POST", `${v1}/upstreams`, body, key)
  yield* master.program().end("SIGKILL")
  yield* master.restart
  assert.deepStrictEqual(yield* api.expect(200, "GET", `${v1}/upstreams/${upstream.id}`), upstream)
  assert.deepStrictEqual(yield* api.expect(201, "POST", `${v1}/upstreams`, body, key), upstream)
  const other = yield* api.request("POST", `${v1}/upstreams`, { ...body, name: "other" }, key)
  assert.strictEqual(other.body.error.code, "IDEMPOTENCY_KEY_REUSED")
})

describe("The API, from the first login to the last logout", () => {
  it.live("does what issue 2 says, on the real programs", () =>
    Effect.gen(function* () {
      const master = yield* startMaster()
      const anonymous = yield* send(`${master.origin}${v1}/virtual-hosts`, "GET")
      assert.strictEqual(anonymous.status, 401)
      assert.match(anonymous.headers.get("www-authenticate") ?? "", /^Bearer /)
      const wrong = { email: administrator.email, password: "not the password" }
      assert.strictEqual((yield* send(`${master.origin}${v1}/auth/login`, "POST", wrong)).status, 401)

      const api = yield* master.admin
      const workspaceId = yield* tenants(api)
      yield* enrolment(api, workspaceId)
      const agent = yield* startAgent(master, api, workspaceId)
      const ground = { master, api, workspaceId, agent, port: yield* freePort }
      const host = yield* site(ground)
      yield* conditions(ground, host.id)
      yield* history(ground, host.id)
      yield* people(ground)
      yield* restart(ground, api)

      yield* api.expect(204, "DELETE", `${v1}/virtual-hosts/${host.id}?change_summary=closes`)
      yield* api.expect(404, "GET", `${v1}/virtual-hosts/${host.id}`)
      const [last] = yield* api.expect(200, "GET", `${v1}/virtual-hosts/${host.id}/versions`)
      assert.deepInclude(last, { data: null, change_summary: "closes" })
      yield* api.expect(204, "POST", `${v1}/auth/logout`)
      assert.strictEqual((yield* api.request("GET", `${v1}/users/me`)).status, 401)
    })
  )
})
