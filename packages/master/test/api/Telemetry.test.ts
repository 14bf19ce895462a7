/** What the fleet told, over the API: whose it is, and what is refused. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { AgentId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import { TelemetryStore } from "../../src/telemetry/TelemetryStore.ts"
import { ask, login } from "./support/Client.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const makeAgent = Effect.fnUntraced(function* (token: string) {
  const slug = `t-${randomUUID().slice(0, 8)}`
  const organization = yield* ask("POST", "/api/v1/organizations", { token, body: { name: slug, slug } })
  const workspaces = `/api/v1/organizations/${organization.body.data.id}/workspaces`
  const workspace = yield* ask("POST", workspaces, { token, body: { name: slug, slug } })
  const body = { workspace_id: workspace.body.data.id, name: "edge" }
  const agent = yield* ask("POST", "/api/v1/agents", { token, body })
  return AgentId.make(agent.body.data.id as string)
})

layer(layerTestMaster, { excludeTestServices: true, timeout: 60_000 })("What the fleet told", (it) => {
  it.effect("is answered by agent and for all, and what is too much or unknown is refused by its field", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const id = yield* makeAgent(token)
      const store = yield* TelemetryStore
      const timestamp = new Date().toISOString()
      const samples = [{ name: "nxmesh_http_requests_total", labels: { host: "h", status: "2xx" }, value: 5 }]
      const report = JSON.stringify({ timestamp, samples })
      yield* store.take(id, { outbox_id: "one", dropped: 3, entries: [{ sequence: 1, kind: "metrics", report }] })
      const get = (path: string) => ask("GET", `/api/v1${path}`, { token })
      const metrics = yield* get(`/agents/${id}/metrics?name_prefix=nxmesh_http`)
      assert.strictEqual(metrics.status, 200, metrics.text)
      assert.strictEqual(metrics.body.data[0].points[0].last, 5)
      const events = yield* get(`/agents/${id}/events`)
      assert.deepStrictEqual(events.body.data[0].data, { reports: 3 })
      assert.strictEqual((yield* get("/events?kind=reports_dropped")).body.data[0].agent_id, id)
      const fleet = yield* get("/metrics/fleet")
      assert.strictEqual(fleet.status, 200, fleet.text)
      assert.lengthOf(fleet.body.data, 1)
      assert.deepStrictEqual((yield* get(`/agents/${id}/health`)).body.data, [])
      const refused = yield* get("/metrics/fleet?from=2020-01-01&step=60")
      assert.deepStrictEqual([refused.status, refused.body.error.details[0].field], [400, "step"])
      assert.strictEqual((yield* get("/events?sort=at")).status, 400)
      assert.strictEqual((yield* get(`/agents/${randomUUID()}/metrics`)).status, 404)
    })
  )
})
