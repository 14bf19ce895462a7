/** Actions, policies and preflights over the API, against agents that answer as the test says. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ask, login, loginAs } from "./support/Client.ts"
import { FakeAgents, layerTestMasterWithAgents, nginxSaid } from "./support/FakeAgents.ts"
import { makeHost, makeWorkspace } from "./support/Fixtures.ts"

const makeAgent = Effect.fnUntraced(function* (workspace_id: string) {
  const token = yield* login()
  const created = yield* ask("POST", "/api/v1/agents", { token, body: { workspace_id, name: randomUUID() } })
  assert.strictEqual(created.status, 201, created.text)
  return created.body.data.id as string
})

/** An agent in a workspace of its own, and what is asked of it. */
const agent = Effect.gen(function* () {
  const token = yield* login()
  const workspace = yield* makeWorkspace
  const id = yield* makeAgent(workspace)
  const path = `/api/v1/agents/${id}`
  return {
    id,
    workspace,
    path,
    token,
    act: (body: object, headers: Record<string, string> = {}) =>
      ask("POST", `${path}/actions`, { token, body, headers }),
    state: Effect.map(ask("GET", path, { token }), ({ body }) => body.data)
  }
})

layer(layerTestMasterWithAgents, { excludeTestServices: true })("actions over the API", (it) => {
  it.effect("answer with what became of them, which can be asked for later", () =>
    Effect.gen(function* () {
      const { act, path, token } = yield* agent
      const done = yield* act({ action: "reload" })
      assert.strictEqual(done.status, 200, done.text)
      const { id, status } = done.body.data
      assert.strictEqual(status, "done")
      assert.strictEqual(done.headers.get("location"), `${path}/actions/${id}`)
      assert.deepStrictEqual((yield* ask("GET", `${path}/actions/${id}`, { token })).body.data, done.body.data)
      const all = yield* ask("GET", `${path}/actions`, { token })
      assert.deepStrictEqual([all.body.meta.total, all.body.data[0].id], [1, id])
      const other = yield* agent
      assert.strictEqual((yield* ask("GET", `${other.path}/actions/${id}`, { token })).status, 404)
    })
  )

  it.effect("under one key are done once, also when the agent has gone since", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAgents
      const { act } = yield* agent
      const before = fake.asked
      const key = { "idempotency-key": randomUUID() }
      const first = yield* act({ action: "restart" }, key)
      fake.answers = "gone"
      const again = yield* act({ action: "restart" }, key)
      fake.answers = "done"
      assert.deepStrictEqual([again.status, again.body], [200, first.body])
      assert.strictEqual(fake.asked, before + 1)
      assert.strictEqual((yield* act({ action: "stop" }, key)).body.error.code, "IDEMPOTENCY_KEY_REUSED")
    })
  )

  it.effect("are refused, and nothing is written, when the agent is not connected; maintenance needs no agent", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAgents
      const { act, path, token, state } = yield* agent
      fake.answers = "gone"
      const refused = yield* act({ action: "reload" })
      const on = yield* act({ action: "maintenance_on", reason: "a new disk" })
      fake.answers = "done"
      assert.deepStrictEqual([refused.status, refused.body.error.code], [409, "CONFLICT"])
      assert.include(refused.text, "not connected")
      assert.deepStrictEqual([on.status, on.body.data.status], [200, "done"])
      assert.strictEqual((yield* ask("GET", `${path}/actions`, { token })).body.meta.total, 1)
      assert.deepInclude(yield* state, { state: "Maintenance", maintenance: true })
      assert.include((yield* state).state_reason, "a new disk")
    })
  )

  it.effect("that are not answered in time say so, and name the action to ask about", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAgents
      const { act, path, token } = yield* agent
      fake.answers = "silent"
      const unknown = yield* act({ action: "stop" })
      fake.answers = "done"
      assert.deepStrictEqual([unknown.status, unknown.body.error.code], [504, "OUTCOME_UNKNOWN"])
      const [{ field, message }] = unknown.body.error.details
      assert.strictEqual(field, "action_id")
      assert.strictEqual((yield* ask("GET", `${path}/actions/${message}`, { token })).body.data.status, "pending")
    })
  )

  it.effect("that nginx refuses are answered with its words", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAgents
      const { act } = yield* agent
      fake.answers = "failed"
      const failed = yield* act({ action: "test" })
      fake.answers = "done"
      assert.deepInclude(failed.body.data, { status: "failed", errors: [nginxSaid] })
    })
  )

  it.effect("need their permission before anything is asked, and a rollback its deployment", () =>
    Effect.gen(function* () {
      const { act, path } = yield* agent
      const admin = yield* login()
      const password = "a password of some length"
      const email = "reloader@example.com"
      yield* ask("POST", "/api/v1/users", { token: admin, body: { email, name: "O", role: "operator", password } })
      const operator = yield* loginAs(email, password)
      const as = (action: string) => ask("POST", `${path}/actions`, { token: operator, body: { action } })
      assert.strictEqual((yield* as("reload")).status, 200)
      const stop = yield* as("stop")
      assert.strictEqual(stop.status, 403)
      assert.include(stop.text, "agent:write")
      const bare = yield* act({ action: "rollback" })
      assert.strictEqual(bare.status, 400)
      assert.include(bare.text, "deployment_id")
      const wrong = yield* act({ action: "dance" })
      assert.strictEqual(wrong.status, 400)
      assert.include(wrong.text, '"action"')
    })
  )
})

layer(layerTestMasterWithAgents, { excludeTestServices: true })("policies over the API", (it) => {
  it.effect("of an agent go before its workspace's, and those before the default", () =>
    Effect.gen(function* () {
      const { path, state, token, workspace } = yield* agent
      const fresh = yield* state
      assert.deepStrictEqual(fresh.policy, {})
      assert.strictEqual(fresh.effective_policy.drift, "revert")
      const at = `/api/v1/workspaces/${workspace}`
      const chosen = yield* ask("PATCH", at, {
        token,
        body: { agent_policy: { drift: "alert", bad_object: "isolate" } }
      })
      assert.deepStrictEqual(chosen.body.data.agent_policy, { drift: "alert", bad_object: "isolate" })
      yield* ask("PATCH", path, { token, body: { policy: { drift: "accept" } } })
      assert.deepInclude((yield* state).effective_policy, { drift: "accept", bad_object: "isolate" })
      yield* ask("PATCH", path, { token, body: { policy: {} } })
      assert.deepInclude((yield* state).effective_policy, { drift: "alert", bad_object: "isolate" })
    })
  )

  it.effect("with a word or a value that does not exist are refused by its name", () =>
    Effect.gen(function* () {
      const { path, token, workspace } = yield* agent
      for (const [target, body, named] of [
        [path, { policy: { drift: "ignore" } }, "policy.drift"],
        [path, { policy: { drfit: "alert" } }, "policy.drfit"],
        [path, { policy: { report_interval_seconds: 1 } }, "policy.report_interval_seconds"],
        [`/api/v1/workspaces/${workspace}`, { agent_policy: { bad_object: true } }, "agent_policy.bad_object"]
      ] as const) {
        const refused = yield* ask("PATCH", target, { token, body })
        assert.strictEqual(refused.status, 400, refused.text)
        assert.include(
          refused.body.error.details.map(({ field }: { field: string }) => field),
          named
        )
      }
    })
  )
})

layer(layerTestMasterWithAgents, { excludeTestServices: true })("a preflight over the API", (it) => {
  it.effect(
    "lets a change pass that nginx takes, and refuses one that it does not with its words, committing nothing",
    () =>
      Effect.gen(function* () {
        const fake = yield* FakeAgents
        const { id, token, workspace } = yield* agent
        const site = yield* makeHost({ workspace_id: workspace })
        const path = `/api/v1/virtual-hosts/${site.id}`
        const passed = yield* ask("PATCH", `${path}?preflight=${id}`, { token, body: { gzip_enabled: true } })
        assert.deepStrictEqual([passed.status, passed.body.data.gzip_enabled], [200, true])
        assert.deepInclude(fake.preflights.at(-1)?.[0]?.data, { id: site.id, gzip_enabled: true })
        fake.answers = "failed"
        const refused = yield* ask("PATCH", `${path}?preflight=${id}`, { token, body: { gzip_enabled: false } })
        const rolledBack = yield* ask("POST", `${path}/rollback?preflight=${id}`, { token, body: { version: 1 } })
        const pool = { workspace_id: workspace, name: "pool", servers: [{ address: "127.0.0.1:9000" }] }
        const created = yield* ask("POST", `/api/v1/upstreams?preflight=${id}`, { token, body: pool })
        fake.answers = "done"
        for (const answer of [refused, rolledBack, created]) {
          assert.deepStrictEqual([answer.status, answer.body.error?.code], [422, "PREFLIGHT_FAILED"], answer.text)
          assert.include(answer.text, "unknown directive")
        }
        assert.isTrue((yield* ask("GET", path, { token })).body.data.gzip_enabled)
        const upstreams = yield* ask("GET", `/api/v1/upstreams?workspace_id=${workspace}`, { token })
        assert.strictEqual(upstreams.body.meta.total, 0)
      })
  )

  it.effect("that cannot run does not pass", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAgents
      const { id, token, workspace } = yield* agent
      const site = yield* makeHost({ workspace_id: workspace })
      const change = (query: string) =>
        ask("PATCH", `/api/v1/virtual-hosts/${site.id}?${query}`, { token, body: { gzip_enabled: true } })
      fake.answers = "gone"
      const gone = yield* change(`preflight=${id}`)
      fake.answers = "silent"
      const silent = yield* change(`preflight=${id}`)
      fake.answers = "refused"
      const refused = yield* change(`preflight=${id}`)
      fake.answers = "done"
      for (const answer of [gone, silent, refused]) assert.strictEqual(answer.status, 409, answer.text)
      assert.include(gone.text, "not connected")
      assert.include(refused.text, "it is refused")
      assert.strictEqual((yield* change(`preflight=${randomUUID()}`)).status, 404)
      assert.strictEqual((yield* change("preflight=web-1")).status, 400)
      assert.isFalse((yield* ask("GET", `/api/v1/virtual-hosts/${site.id}`, { token })).body.data.gzip_enabled)
    })
  )

  it.effect("of drafts answers what nginx says, and needs config:snippet for raw directives", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAgents
      const { id, path, token, workspace } = yield* agent
      const draft = (fields: object = {}) => ({
        drafts: [
          {
            kind: "virtual_host",
            data: {
              workspace_id: workspace,
              name: "draft",
              server_name: "draft.example.com",
              listen_port: 80,
              locations: [{ path: "/", return: { status: 404, text: "" } }],
              ...fields
            }
          }
        ]
      })
      const passed = yield* ask("POST", `${path}/preflight`, { token, body: draft() })
      assert.deepInclude(passed.body.data, { agent_id: id, passed: true, errors: [] })
      fake.answers = "failed"
      const failed = yield* ask("POST", `${path}/preflight`, { token, body: draft() })
      fake.answers = "done"
      assert.deepInclude(failed.body.data, { passed: false, errors: [nginxSaid] })
      const password = "a password of some length"
      const email = "preflight@example.com"
      yield* ask("POST", "/api/v1/users", { token, body: { email, name: "O", role: "operator", password } })
      const operator = yield* loginAs(email, password)
      const raw = yield* ask("POST", `${path}/preflight`, {
        token: operator,
        body: draft({ snippet: "add_header X-A 1;" })
      })
      assert.deepStrictEqual([raw.status, raw.body.error.code], [403, "FORBIDDEN"])
    })
  )
})
