/** Two organizations over the whole API: nothing that one does reads, changes or infers what is the other's. */
import { demandOf } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { HttpApi } from "effect/http-api"
import { type Answer, ask, login, loginAs } from "./support/Client.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const password = "a password of some length"
const nobodysId = "0190a000-0000-7000-8000-0000000000ff"

interface Endpoint {
  readonly method: string
  readonly path: string
}
const endpoints: Array<Endpoint> = []
HttpApi.reflect(NxMeshApi, {
  onGroup: () => undefined,
  onEndpoint: ({ endpoint, group }) => {
    if (demandOf(endpoint, group) === null) return
    endpoints.push({ method: endpoint.method, path: endpoint.path.replace(/\/$/, "") })
  }
})

const made = (path: string, token: string, body: unknown) =>
  Effect.map(ask("POST", `/api/v1/${path}`, { token, body }), ({ body: answer, status, text }) => {
    assert.strictEqual(status, 201, `${path}: ${text}`)
    return answer.data
  })

interface Tenant {
  readonly token: string
  /** Of the one who administers it. */
  readonly userId: string
  /** By what they are called in paths and queries. */
  readonly ids: Readonly<Record<string, string>>
}

/** An organization with one of everything, under names that nobody else has, and somebody who administers it. */
const makeTenant = Effect.fnUntraced(function* (mark: string) {
  const admin = yield* login()
  const organization_id = (yield* made("organizations", admin, { name: `${mark} inc`, slug: `${mark}-inc` })).id
  const workspace_id = (yield* made("workspaces", admin, {
    organization_id,
    name: `${mark} shop`,
    slug: `${mark}-shop`
  })).id
  const email = `${mark}-boss@example.com`
  const user = yield* made("users", admin, { email, name: `${mark} boss`, organization_id, password })
  const binding = yield* made("role-bindings", admin, {
    subject: { kind: "user", id: user.id },
    role: "admin",
    organization_id
  })
  const token = yield* loginAs(email, password)
  const agent = yield* made("agents", token, { workspace_id, name: `${mark}-agent` })
  const upstream = yield* made("upstreams", token, {
    workspace_id,
    name: `${mark}_backend`,
    servers: [{ address: "10.0.0.1:80" }]
  })
  const host = yield* made("virtual-hosts", token, {
    workspace_id,
    name: `${mark} site`,
    server_name: `${mark}.example.com`,
    listen_port: 80,
    locations: [{ path: "/", upstream_id: upstream.id }]
  })
  const template = yield* made("templates", token, { workspace_id, name: `${mark}-template`, source: "{{> default}}" })
  const role = yield* made("roles", token, { organization_id, name: `${mark} role`, permissions: ["config:read"] })
  const group = yield* made("groups", token, { organization_id, name: `${mark} group`, members: [user.id] })
  const account = yield* made("service-accounts", token, { organization_id, name: `${mark} robot` })
  const enrolment = yield* made(`agents/${agent.id}/tokens`, token, {})
  const ids = {
    organization: organization_id,
    workspace: workspace_id,
    agent: agent.id,
    upstream: upstream.id,
    virtual_host: host.id,
    template: template.id,
    user: user.id,
    role: role.id,
    group: group.id,
    role_binding: binding.id,
    service_account: account.id,
    enrolment_token: enrolment.id
  }
  const tenant: Tenant = { token, userId: user.id, ids }
  return tenant
})

/** What the administrator of the installation sees of all of it. */
const picture = Effect.fnUntraced(function* ({ ids }: Tenant) {
  const token = yield* login()
  const collections: Readonly<Record<string, string>> = {
    organization: "organizations",
    workspace: "workspaces",
    agent: "agents",
    upstream: "upstreams",
    virtual_host: "virtual-hosts",
    template: "templates",
    user: "users",
    role: "roles",
    group: "groups",
    role_binding: "role-bindings",
    service_account: "service-accounts"
  }
  return yield* Effect.forEach(Object.entries(collections), ([kind, collection]) =>
    Effect.map(ask("GET", `/api/v1/${collection}/${ids[kind]}`, { token }), ({ text }) => text)
  )
})

/** What must not differ: without the id itself, and what is of the one request alone. */
const plain = ({ status, text }: Answer, id: string): string =>
  `${status} ${text}`
    .replaceAll(id, "<id>")
    .replaceAll(/"request_id":"[^"]*"|under request_id [0-9a-f-]*/g, "")
    .replaceAll(/"(total|at|generated_at|from|to)":"?[^,"}]*"?/g, "")

const query = (path: string) =>
  path.endsWith("/diff") ? "?from=1&to=1" : path.endsWith("/watch") ? "?index=0&wait_seconds=0" : ""

/** Bodies that a handler takes, with the id wherever one may stand. */
const bodies: Readonly<Record<string, (id: string) => unknown>> = {
  "POST /api/v1/workspaces": (id) => ({ organization_id: id, name: "x", slug: "x" }),
  "POST /api/v1/organizations/:id/workspaces": () => ({ name: "x", slug: "x" }),
  "POST /api/v1/agents": (id) => ({ workspace_id: id, name: "x" }),
  "POST /api/v1/agents/register": (id) => ({ workspace_id: id, name: "x" }),
  "POST /api/v1/agents/:id/preview": (id) => ({ drafts: [{ kind: "upstream", data: upstreamOf(id) }] }),
  "POST /api/v1/agents/:id/preflight": () => ({ drafts: [] }),
  "POST /api/v1/agents/:id/actions": () => ({ action: "maintenance_on", reason: "x" }),
  "POST /api/v1/upstreams": (id) => upstreamOf(id),
  "POST /api/v1/virtual-hosts": (id) => hostOf(id, null),
  "POST /api/v1/templates": (id) => ({ workspace_id: id, name: "x", source: "{{> default}}" }),
  "POST /api/v1/users": (id) => ({ organization_id: id, email: "x@example.com", name: "x", password }),
  "POST /api/v1/roles": (id) => ({ organization_id: id, name: "x", permissions: ["config:read"] }),
  "POST /api/v1/groups": (id) => ({ organization_id: id, name: "x" }),
  "POST /api/v1/role-bindings": (id) => ({ subject: { kind: "user", id }, role: "viewer", workspace_id: id }),
  "POST /api/v1/service-accounts": (id) => ({ organization_id: id, name: "x" })
}
const upstreamOf = (workspace_id: string) => ({ workspace_id, name: "x", servers: [{ address: "10.0.0.1:80" }] })
const hostOf = (workspace_id: string, upstream_id: string | null) => ({
  workspace_id,
  name: "x",
  server_name: "x.example.com",
  listen_port: 80,
  locations: [upstream_id === null ? { path: "/", return: { status: 404, text: "x" } } : { path: "/", upstream_id }]
})

/** One call with the id in every place that takes one. */
const callWith = Effect.fnUntraced(function* ({ method, path }: Endpoint, id: string, token: string) {
  const target = path.replace(":version", "1").replace(/:\w+/g, id) + query(path)
  const body = bodies[`${method} ${path}`]?.(id) ?? (method === "GET" || method === "DELETE" ? undefined : {})
  return yield* ask(method, target, { token, ...(body === undefined ? {} : { body }) })
})

/** Endpoints that are about whoever asks, or end what the test goes on with; and downloads of everything, which need the installation. */
const leftOut = /\/auth\/|\/users\/me|\/watch$/

layer(layerTestMaster, { excludeTestServices: true, timeout: 60_000 })("Tenants", (it) => {
  it.effect(
    "no call with another's ids differs from one with ids that do not exist, tells anything, or changes anything",
    () =>
      Effect.gen(function* () {
        const seed = 7
        const random = new SeededRandom(seed)
        const alpha = yield* makeTenant("alphaone")
        const bravo = yield* makeTenant("bravotwo")
        const before = yield* picture(bravo)
        const strangers = Object.entries(bravo.ids)
        const wrong: Array<string> = []
        for (const endpoint of endpoints.filter(({ path }) => !leftOut.test(path))) {
          const named = `seed ${seed}: ${endpoint.method} ${endpoint.path}`
          const nobody = plain(yield* callWith(endpoint, nobodysId, alpha.token), nobodysId)
          // The kind that the path is about, and another.
          const picked = [random.pick(strangers)]
          const takesId = endpoint.path.includes("/:") || bodies[`${endpoint.method} ${endpoint.path}`] !== undefined
          const own = strangers.filter(([kind]) => endpoint.path.includes(`/${kind.replaceAll("_", "-")}s`))
          for (const [kind, id] of [...own, ...picked]) {
            const answer = yield* callWith(endpoint, id, alpha.token)
            if (takesId && plain(answer, id) !== nobody)
              wrong.push(`${named} with a ${kind}: ${answer.status} ${answer.text}, not ${nobody}`)
            const rest = answer.text.replaceAll(id, "")
            const told = [...Object.values(bravo.ids), "bravotwo"].filter((each) => rest.includes(each))
            if (told.length > 0) wrong.push(`${named} with a ${kind} tells ${told.join(", ")}: ${answer.text}`)
          }
        }
        assert.deepStrictEqual(wrong, [])
        assert.deepStrictEqual(yield* picture(bravo), before)
      }),
    120_000
  )

  it.effect("lists, their totals and filters know nothing of the other", () =>
    Effect.gen(function* () {
      const alpha = yield* makeTenant("alphatri")
      const bravo = yield* makeTenant("bravotri")
      const lists = [
        "organizations",
        "workspaces",
        "agents",
        "upstreams",
        "virtual-hosts",
        "templates",
        "users",
        "roles"
      ]
      for (const list of [...lists, "groups", "role-bindings", "service-accounts"]) {
        const { body, text } = yield* ask("GET", `/api/v1/${list}`, { token: alpha.token })
        assert.strictEqual(body.meta.total, 1, `${list}: ${text}`)
        assert.strictEqual(body.data.length, 1)
        assert.notInclude(text, "bravo")
      }
      const filtered = yield* ask("GET", `/api/v1/agents?workspace_id=${bravo.ids["workspace"]}`, {
        token: alpha.token
      })
      assert.strictEqual(filtered.body.meta.total, 0)
    })
  )

  it.effect("a draft that refers to the other's upstream is refused as one that refers to nothing", () =>
    Effect.gen(function* () {
      const alpha = yield* makeTenant("alphafor")
      const bravo = yield* makeTenant("bravofor")
      const { agent, workspace } = alpha.ids
      const draft = Effect.fnUntraced(function* (upstream: string) {
        const drafts = [{ kind: "virtual_host", data: hostOf(workspace as string, upstream) }]
        return plain(
          yield* ask("POST", `/api/v1/agents/${agent}/preview`, { token: alpha.token, body: { drafts } }),
          upstream
        )
      })
      const stranger = yield* draft(bravo.ids["upstream"] as string)
      assert.strictEqual(stranger, yield* draft(nobodysId))
      assert.isTrue(stranger.startsWith("400"))
    })
  )

  it.effect("a watch tells of the own organization alone, and ends when the account is disabled", () =>
    Effect.gen(function* () {
      const admin = yield* login()
      const alpha = yield* makeTenant("alphafiv")
      const bravo = yield* makeTenant("bravofiv")
      const listed = yield* ask("GET", "/api/v1/organizations", { token: admin })
      const index = Number(listed.headers.get("x-nxmesh-index"))
      const watch = (from: number, seconds: number) =>
        ask("GET", `/api/v1/watch?index=${from}&wait_seconds=${seconds}`, { token: alpha.token })
      const rename = ({ ids }: Tenant, name: string) =>
        ask("PATCH", `/api/v1/workspaces/${ids["workspace"]}`, { token: admin, body: { name } })
      yield* rename(bravo, "bravofiv other")
      yield* rename(alpha, "alphafiv other")
      const told = yield* watch(index, 5)
      assert.deepStrictEqual(
        told.body.data.events.map((event: { id: string }) => event.id),
        [alpha.ids["workspace"]]
      )
      const waiting = yield* Effect.forkChild(watch(told.body.data.index, 30))
      yield* ask("PATCH", `/api/v1/users/${alpha.userId}`, { token: admin, body: { disabled: true } })
      assert.strictEqual((yield* Fiber.join(waiting)).status, 401)
    })
  )

  it.effect(
    "a member of a workspace sees the others' resources when the organization shows them, and changes none",
    () =>
      Effect.gen(function* () {
        const { ids, token } = yield* makeTenant("alphasix")
        const organization_id = ids["organization"]
        const other = yield* made("workspaces", token, { organization_id, name: "second", slug: "second" })
        const email = "alphasix-member@example.com"
        const member = yield* made("users", token, { email, name: "member", organization_id, password })
        yield* made("role-bindings", token, {
          subject: { kind: "user", id: member.id },
          role: "operator",
          workspace_id: other.id
        })
        const theirs = yield* loginAs(email, password)
        const path = `/api/v1/upstreams/${ids["upstream"]}`
        assert.strictEqual((yield* ask("GET", path, { token: theirs })).status, 404)
        assert.strictEqual(
          (yield* ask("GET", `/api/v1/organizations/${organization_id}`, { token: theirs })).status,
          200
        )
        const settings = { cross_workspace_visibility: true }
        yield* ask("PATCH", `/api/v1/organizations/${organization_id}`, { token, body: { settings } })
        assert.strictEqual((yield* ask("GET", path, { token: theirs })).status, 200)
        assert.strictEqual((yield* ask("PATCH", path, { token: theirs, body: { name: "y" } })).status, 403)
        const me = yield* ask("GET", "/api/v1/users/me", { token: theirs })
        assert.strictEqual(me.body.data.role, null)
        assert.includeMembers(
          me.body.data.grants.map((grant: { workspace_id: string | null }) => grant.workspace_id),
          [other.id, null]
        )
      })
  )
})
