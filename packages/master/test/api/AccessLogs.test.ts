/** Access logs over the API: filters, pages, sums, GraphQL, the live tail, and whose lines are read. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { AgentId, type OrganizationId, RoleBindingId, ServiceAccountId, type WorkspaceId } from "@nxmesh/protocol/Ids"
import type { LogLine } from "@nxmesh/protocol/link/Report"
import { Effect } from "effect"
import { Commands } from "../../src/command/Commands.ts"
import { TelemetryStore } from "../../src/telemetry/TelemetryStore.ts"
import { ask, login } from "./support/Client.ts"
import { layerTestMaster, TestMaster } from "./support/TestMaster.ts"

const path = "/api/v1/access-logs"
let serial = 0

const line = (access: Partial<NonNullable<LogLine["access"]>>, agoMillis: number): LogLine => ({
  timestamp: new Date(Date.now() - agoMillis).toISOString(),
  source: "access",
  text: "",
  access: {
    remote_addr: "203.0.113.7",
    method: "GET",
    uri: "/a?b=c",
    protocol: "HTTP/1.1",
    host: "shop.example",
    status: 200,
    body_bytes_sent: 10,
    response_time_ms: 5,
    user_agent: "curl/8",
    referer: null,
    request_id: null,
    ...access
  }
})

const take = Effect.fnUntraced(function* (agentId: AgentId, lines: ReadonlyArray<LogLine>) {
  const store = yield* TelemetryStore
  const entry = { sequence: 1, kind: "logs", report: JSON.stringify({ lines, dropped: 0 }) }
  yield* store.take(agentId, { outbox_id: `outbox-${++serial}`, dropped: 0, entries: [entry] })
})

/** An agent in a workspace of its own. */
const makeAgent = Effect.gen(function* () {
  const token = yield* login()
  const slug = `t-${randomUUID().slice(0, 8)}`
  const organization = yield* ask("POST", "/api/v1/organizations", { token, body: { name: slug, slug } })
  const organizationId = organization.body.data.id as OrganizationId
  const workspace = yield* ask("POST", `/api/v1/organizations/${organizationId}/workspaces`, {
    token,
    body: { name: slug, slug }
  })
  const workspaceId = workspace.body.data.id as WorkspaceId
  const agent = yield* ask("POST", "/api/v1/agents", { token, body: { workspace_id: workspaceId, name: "edge" } })
  assert.strictEqual(agent.status, 201, agent.text)
  return { agentId: AgentId.make(agent.body.data.id as string), organizationId, workspaceId }
})

/** A key of somebody who is a viewer of one workspace alone. */
const viewerOf = Effect.fnUntraced(function* (organizationId: OrganizationId, workspaceId: WorkspaceId) {
  const token = yield* login()
  const commands = yield* Commands
  const { uuid } = yield* Identifiers
  const account = yield* ask("POST", "/api/v1/service-accounts", {
    token,
    body: { organization_id: null, name: `viewer-${++serial}` }
  })
  const id = account.body.data.id as string
  yield* commands.submit({
    principal: { _tag: "System", component: "test" },
    command: {
      _tag: "SaveRoleBinding",
      role_binding: {
        id: RoleBindingId.make(yield* uuid),
        subject: { kind: "service_account", id: ServiceAccountId.make(id) },
        role: "viewer",
        organization_id: organizationId,
        workspace_id: workspaceId,
        identity_provider_id: null
      }
    }
  })
  const made = yield* ask("POST", `/api/v1/service-accounts/${id}/keys`, { token, body: { name: "key" } })
  return made.body.data.key as string
})

const list = Effect.fnUntraced(function* (query: string, token?: string) {
  const answer = yield* ask("GET", `${path}?${query}`, { token: token ?? (yield* login()) })
  assert.strictEqual(answer.status, 200, answer.text)
  return answer.body as { data: Array<Record<string, any>>; meta: { next: string | null; missing: Array<unknown> } }
})

const graphql = Effect.fnUntraced(function* (query: string, variables = {}, token?: string) {
  const body = { query, variables }
  const answer = yield* ask("POST", "/api/v1/graphql", { token: token ?? (yield* login()), body })
  assert.strictEqual(answer.status, 200, answer.text)
  return answer.body
})

layer(layerTestMaster, { excludeTestServices: true })("Access logs", (it) => {
  it.effect("are listed page by page, the newest first, by every kind of filter", () =>
    Effect.gen(function* () {
      const { agentId, workspaceId } = yield* makeAgent
      const lines = Array.from({ length: 25 }, (_, index) =>
        line({ uri: `/item/${index}`, status: index % 5 === 0 ? 503 : 200, response_time_ms: index }, index * 1_000)
      )
      yield* take(agentId, lines)
      const found: Array<string> = []
      let after = ""
      do {
        const { data, meta } = yield* list(`agent_id=${agentId}&limit=10${after}`)
        found.push(...data.map(({ uri }) => uri))
        after = meta.next === null ? "" : `&after=${meta.next}`
      } while (after !== "")
      assert.deepStrictEqual(
        found,
        lines.map(({ access }) => access?.uri)
      )
      const count = (query: string) =>
        Effect.map(list(`workspace_id=${workspaceId}&${query}`), ({ data }) => data.length)
      assert.strictEqual(yield* count("status=5xx"), 5)
      assert.strictEqual(yield* count("status_gte=500&latency_ms_gte=10"), 3)
      assert.strictEqual(yield* count("path_prefix=/item/2"), 6)
      assert.strictEqual(yield* count("text=ITEM/7&host=Shop.example"), 1)
      assert.strictEqual(yield* count("remote_address=203.0.113.0/24&method=GET"), 25)
      assert.strictEqual(yield* count("remote_address=203.0.114.0/24"), 0)
      assert.strictEqual(yield* count("from=2020-01-01&to=2020-01-02"), 0)
    })
  )

  it.effect("amount to counts, bytes, errors and latencies by group", () =>
    Effect.gen(function* () {
      const { agentId } = yield* makeAgent
      yield* take(
        agentId,
        Array.from({ length: 100 }, (_, index) =>
          line(
            { host: index < 60 ? "a.example" : "b.example", status: index < 6 ? 500 : 200, response_time_ms: 100 },
            0
          )
        )
      )
      const answer = yield* ask("GET", `${path}/aggregate?agent_id=${agentId}&group_by=host`, { token: yield* login() })
      assert.strictEqual(answer.status, 200, answer.text)
      const [a, b] = answer.body.data
      assert.deepInclude(a, { key: { host: "a.example" }, count: 60, bytes: 600, error_rate: 0.1 })
      assert.deepInclude(b, { key: { host: "b.example" }, count: 40, error_rate: 0 })
      assert.strictEqual(a.latency_ms.avg, 100)
      assert.closeTo(a.latency_ms.p99, 100, 2)
    })
  )

  it.effect("are exported as lines of JSON, with an end that says that all is there", () =>
    Effect.gen(function* () {
      const { agentId } = yield* makeAgent
      yield* take(
        agentId,
        Array.from({ length: 30 }, (_, index) => line({}, index))
      )
      const { text } = yield* ask("GET", `${path}/export?agent_id=${agentId}`, { token: yield* login() })
      const lines = text
        .trim()
        .split("\n")
        .map((one) => JSON.parse(one))
      assert.strictEqual(lines.length, 31)
      assert.strictEqual(lines.at(-1).end.next, null)
    })
  )

  it.effect("answer OB-003's query in GraphQL, and errors with their paths", () =>
    Effect.gen(function* () {
      const { agentId } = yield* makeAgent
      yield* take(agentId, [line({ status: 502 }, 1_000), line({ status: 200 }, 2_000)])
      const query = `query($agent: ID) {
        accessLogs(filter: { agentId: $agent, statusCode: { gte: 500 } }, limit: 100) { timestamp method uri status responseTimeMs }
        accessLogAggregate(filter: { agentId: $agent }, groupBy: [statusClass]) { key { dimension value } count }
      }`
      const { data, errors } = yield* graphql(query, { agent: agentId })
      assert.isUndefined(errors)
      assert.deepInclude(data.accessLogs[0], { method: "GET", uri: "/a?b=c", status: 502, responseTimeMs: 5 })
      assert.strictEqual(data.accessLogs.length, 1)
      assert.deepInclude(data.accessLogAggregate, { key: [{ dimension: "statusClass", value: "5xx" }], count: 1 })
      const bad = yield* graphql('{ accessLogs(filter: { timeRange: { from: "yesterday" } }) { uri } }')
      assert.deepStrictEqual(bad.errors[0].path, ["accessLogs"])
      assert.match(bad.errors[0].message, /from: must be a day/)
      assert.match((yield* graphql("{ accessLogs { password } }")).errors[0].message, /password/)
      const many = yield* graphql(`{ ${[1, 2, 3, 4, 5].map((n) => `a${n}: accessLogs { uri }`).join(" ")} }`)
      assert.match(many.errors[0].message, /more than 4 times/)
      const circle = yield* graphql("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }")
      assert.match(circle.errors[0].message, /itself/)
      assert.isDefined((yield* graphql("{ __schema { types { name } } }")).data.__schema)
    })
  )

  it.effect("are read of visible agents alone, and others' agents do not exist", () =>
    Effect.gen(function* () {
      const [mine, other] = [yield* makeAgent, yield* makeAgent]
      yield* take(mine.agentId, [line({ uri: "/mine" }, 0)])
      yield* take(other.agentId, [line({ uri: "/secret" }, 0)])
      const token = yield* viewerOf(mine.organizationId, mine.workspaceId)
      assert.deepStrictEqual(
        (yield* list("", token)).data.map(({ uri }) => uri),
        ["/mine"]
      )
      const seen = yield* graphql("{ accessLogs { uri } accessLogAggregate { count } }", {}, token)
      assert.deepStrictEqual(seen.data, { accessLogs: [{ uri: "/mine" }], accessLogAggregate: [{ count: 1 }] })
      const nobody = "00000000-0000-7000-8000-000000000000"
      for (const [field, id] of [
        ["agent_id", other.agentId],
        ["workspace_id", other.workspaceId],
        ["agent_id", nobody]
      ]) {
        for (const place of [path, `${path}/aggregate`, `${path}/export`, `${path}/tail`, "/api/v1/error-logs"]) {
          const answer = yield* ask("GET", `${place}?${field}=${id}`, { token })
          assert.strictEqual(answer.status, 404, `${place} ${field} ${answer.text}`)
        }
      }
    })
  )

  it.effect("refuse bad input by its field", () =>
    Effect.gen(function* () {
      const token = yield* login()
      for (const [field, query] of [
        ["status", "status=6xx"],
        ["status_gte", "status_gte=many"],
        ["from", "from=yesterday"],
        ["from", "from=2026-03-02&to=2026-03-01"],
        ["remote_address", "remote_address=10.0.0.0/40"],
        ["remote_address", "remote_address=nobody"],
        ["limit", "limit=1001"],
        ["after", "after=AAAA"],
        ["agent_id", "agent_id=one"],
        ["sort", "sort=at"]
      ]) {
        const answer = yield* ask("GET", `${path}?${query}`, { token })
        assert.strictEqual(answer.status, 400, `${query} ${answer.text}`)
        assert.include(
          answer.body.error.details.map((detail: { field: string }) => detail.field),
          field,
          answer.text
        )
      }
      const grouped = yield* ask("GET", `${path}/aggregate?group_by=password`, { token })
      assert.match(grouped.text, /password is none of agent_id, host/)
    })
  )

  it.effect("have error logs beside them, by level, host and text", () =>
    Effect.gen(function* () {
      const { agentId } = yield* makeAgent
      const error = (level: "notice" | "error" | "crit", text: string): LogLine => ({
        timestamp: new Date().toISOString(),
        source: "error",
        text,
        error: {
          level,
          pid: 1,
          connection_id: null,
          client: null,
          server: null,
          request: null,
          upstream: null,
          host: "shop.example"
        }
      })
      yield* take(agentId, [error("notice", "signal"), error("error", "connect() failed"), error("crit", "no memory")])
      const token = yield* login()
      const texts = (query: string) =>
        Effect.map(ask("GET", `/api/v1/error-logs?agent_id=${agentId}&${query}`, { token }), ({ body, text }) => {
          assert.isDefined(body?.data, text)
          return body.data.map((row: { text: string }) => row.text)
        })
      assert.deepStrictEqual(yield* texts("level=error"), ["no memory", "connect() failed"])
      assert.deepStrictEqual(yield* texts("text=CONNECT&host=shop.example"), ["connect() failed"])
      assert.deepStrictEqual(yield* texts("limit=1"), ["no memory"])
      const bad = yield* ask("GET", "/api/v1/error-logs?level=bad", { token })
      assert.strictEqual(bad.body.error.details[0].field, "level")
    })
  )

  it.effect("are followed as they come, by the tail's filter", () =>
    Effect.gen(function* () {
      const { agentId } = yield* makeAgent
      const { origin } = yield* TestMaster
      const token = yield* login()
      const abort = new AbortController()
      const response = yield* Effect.promise(() =>
        fetch(`${origin}${path}/tail?agent_id=${agentId}&status=5xx`, {
          headers: { authorization: `Bearer ${token}` },
          signal: abort.signal
        })
      )
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
      let text = ""
      const until = (wanted: RegExp) =>
        Effect.promise(async () => {
          while (!wanted.test(text)) text += (await reader?.read())?.value ?? ""
        }).pipe(Effect.timeout("5 seconds"))
      yield* until(/the tail begins/)
      yield* take(agentId, [line({ uri: "/fine" }, 0), line({ uri: "/broken", status: 500 }, 0)])
      yield* until(/event: line\ndata: .*\/broken/)
      assert.notMatch(text, /fine/)
      abort.abort()
    })
  )
})
