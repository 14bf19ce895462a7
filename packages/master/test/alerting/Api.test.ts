/** Rules, silences, webhooks and alerts over the API, and the leader's tasks over the same state. */
import { createServer, type IncomingMessage } from "node:http"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { AddressInfo } from "node:net"
import { until } from "../../../../test/support/Wait.ts"
import { deliverMessages } from "../../src/alerting/DeliveryTask.ts"
import { signatureOf } from "../../src/alerting/WebhookSignature.ts"
import type { Leadership } from "../../src/cluster/LeaderTasks.ts"
import { Commands } from "../../src/command/Commands.ts"
import { Settings } from "../../src/Settings.ts"
import { ask, login } from "../api/support/Client.ts"
import { layerTestMaster } from "../api/support/TestMaster.ts"

interface Received {
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

/** A real receiver on loopback that keeps what it gets. */
const receiver = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly received: Array<Received>; readonly close: () => void }>(
    (resume) => {
      const received: Array<Received> = []
      const server = createServer((request, response) => {
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => {
          received.push({ headers: request.headers, body: Buffer.concat(parts).toString() })
          response.writeHead(204).end()
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}/`, received, close: () => void server.close() }))
      })
    }
  ),
  ({ close }) => Effect.sync(close)
)

/** The way of a leader's task to the log, without an election. */
const leadership = Effect.map(Commands, (commands): Leadership => ({
  term: 1 as Leadership["term"],
  submit: (request) => commands.submit(request)
}))

const loopback = { webhookNetworks: [{ address: "127.0.0.0", prefix: 8 }] }
const delivering = (lead: Leadership) =>
  Effect.flatMap(Settings, (settings) =>
    Effect.scoped(deliverMessages(lead)).pipe(Effect.provideService(Settings, { ...settings, ...loopback }))
  )

layer(layerTestMaster, { excludeTestServices: true })("alerts over the API", (it) => {
  it.effect("a rule is made, listed, changed and deleted, and a bad one is refused with its field named", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const body = { name: "Busy", condition: { kind: "agent_metric", metric: "cpu_percent", threshold: 90 } }
      const made = yield* ask("POST", "/api/v1/alert-rules", { token, body })
      assert.strictEqual(made.status, 201, made.text)
      assert.strictEqual(made.body.data.condition.is, "above")
      const path = `/api/v1/alert-rules/${made.body.data.id}`
      const changed = yield* ask("PATCH", path, { token, body: { severity: "critical" } })
      assert.strictEqual(changed.body.data.severity, "critical", changed.text)
      const listed = yield* ask("GET", "/api/v1/alert-rules?kind=agent_metric", { token })
      assert.strictEqual(listed.body.meta.total, 1, listed.text)
      assert.strictEqual((yield* ask("DELETE", path, { token })).status, 204)
      const bad = { ...body, condition: { kind: "master_away" }, selector: { scope: "workspace" } }
      const refused = yield* ask("POST", "/api/v1/alert-rules", { token, body: bad })
      assert.strictEqual(refused.status, 400, refused.text)
      assert.include(refused.text, "selector.scope")
    })
  )

  it.effect("a silence needs an end after its beginning, and at most 90 days later", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const ends = (ends_at: string) =>
        ask("POST", "/api/v1/alert-silences", {
          token,
          body: { starts_at: "2026-03-02T10:00:00.000Z", ends_at, reason: "works" }
        })
      assert.strictEqual((yield* ends("2026-03-02T11:00:00.000Z")).status, 201)
      assert.include((yield* ends("2026-03-02T09:00:00.000Z")).text, "ends_at")
      assert.include((yield* ends("2026-09-02T11:00:00.000Z")).text, "ends_at")
    })
  )

  it.effect("a message arrives signed, and again under the same id when a leader ends before it says so", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const { received, url } = yield* receiver
      const body = { name: "On call", url, allow_http: true }
      const made = yield* ask("POST", "/api/v1/webhooks", { token, body })
      assert.strictEqual(made.status, 201, made.text)
      const { id, secret } = made.body.data
      const path = `/api/v1/webhooks/${id}`
      assert.notProperty((yield* ask("GET", path, { token })).body.data, "secret")
      const testing = yield* Effect.forkChild(ask("POST", `${path}/test`, { token }))
      const lead = yield* leadership
      // Killed after the effect and before its outcome.
      const dying = yield* Effect.forkChild(delivering({ ...lead, submit: () => Effect.never }))
      yield* until(
        Effect.sync(() => received.length),
        (count) => count === 1,
        { fact: "the first attempt has arrived" }
      )
      yield* Fiber.interrupt(dying)
      const next = yield* Effect.forkChild(delivering(lead))
      const tested = yield* Fiber.join(testing)
      yield* Fiber.interrupt(next)
      assert.strictEqual(tested.body.data.status, "delivered", tested.text)
      assert.strictEqual(received.length, 2)
      const [first, second] = received
      assert.strictEqual(first?.headers["webhook-id"], second?.headers["webhook-id"])
      assert.strictEqual(first?.headers["idempotency-key"], tested.body.data.id)
      assert.strictEqual(first?.body, second?.body)
      const at = Number(second?.headers["webhook-timestamp"])
      const signature = signatureOf(secret, tested.body.data.id, at, second?.body ?? "")
      assert.strictEqual(second?.headers["webhook-signature"], signature)
      assert.strictEqual((yield* ask("GET", path, { token })).body.data.health, "ok")
    })
  )

  it.effect("an endpoint that is no public address is refused and says so, unless its network is opened", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const { received, url } = yield* receiver
      const made = yield* ask("POST", "/api/v1/webhooks", { token, body: { name: "Inside", url, allow_http: true } })
      const testing = yield* Effect.forkChild(ask("POST", `/api/v1/webhooks/${made.body.data.id}/test`, { token }))
      const task = yield* Effect.forkChild(Effect.scoped(deliverMessages(yield* leadership)))
      const tested = yield* Fiber.join(testing)
      yield* Fiber.interrupt(task)
      assert.strictEqual(tested.body.data.status, "failed", tested.text)
      assert.include(tested.body.data.error, "NXMESH_WEBHOOK_NETWORKS")
      assert.deepStrictEqual(received, [])
    })
  )

  it.effect("who may not write alerts is refused, and nobody sees what is not there", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const listed = yield* ask("GET", "/api/v1/alerts?state=firing", { token })
      assert.deepStrictEqual([listed.status, listed.body.data], [200, []], listed.text)
      assert.strictEqual((yield* ask("GET", `/api/v1/alerts/${"0".repeat(32)}`, { token })).status, 404)
      assert.strictEqual((yield* ask("GET", "/api/v1/alerts?state=loud", { token })).status, 400)
      assert.strictEqual((yield* ask("POST", "/api/v1/webhooks", { body: {} })).status, 401)
    })
  )
})
