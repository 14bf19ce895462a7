import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { createServer } from "node:net"
import type { Api } from "../support/Api.ts"
import { agentIs, converged, fleetOfOne } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

/** A port that some other program listens on. */
const takenPort: Effect.Effect<number, never, Scope.Scope> = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: Effect.Effect<void> }>((resume) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(
        Effect.succeed({ port, close: Effect.callback<void>((done) => void server.close(() => done(Effect.void))) })
      )
    })
  }),
  ({ close }) => close
).pipe(Effect.map(({ port }) => port))

const host = (workspaceId: string, name: string, port: number, rest: object = {}) => ({
  workspace_id: workspaceId,
  name,
  server_name: `${name}.example`,
  listen_port: port,
  locations: [{ path: "/", return: { status: 200, text: name } }],
  ...rest
})

const lastDeployment = (api: Api, agentId: string, generation: string) =>
  until(
    api.request("GET", `/api/v1/deployments?agent_id=${agentId}&generation=${generation}`),
    ({ body }) => body.data.length > 0,
    { fact: "the deployment's end is recorded", timeoutMillis: 60_000 }
  ).pipe(Effect.map(({ body }) => body.data[0]))

describe("The truth about a change that nginx does not take", () => {
  it.live(
    "a port taken by another program: nginx -t passes, the reload fails, the old generation serves, the host is named",
    () =>
      Effect.gen(function* () {
        const taken = yield* takenPort
        const port = yield* freePort
        const { agent, api, workspaceId } = yield* fleetOfOne
        yield* api.expect(201, "POST", "/api/v1/virtual-hosts", host(workspaceId, "good", port))
        yield* converged(api, agent.id)
        const before = yield* api.expect(200, "GET", `/api/v1/agents/${agent.id}`)

        const bad = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", host(workspaceId, "bad", taken))
        const { desired_generation: wanted } = yield* api.expect(200, "GET", `/api/v1/agents/${agent.id}`)
        const failed = yield* lastDeployment(api, agent.id, wanted)
        assert.strictEqual(failed.status, "rolled_back")
        assert.include(failed.error.message, "Address already in use")
        assert.strictEqual(failed.error.resource?.id, bad.id)
        assert.strictEqual(failed.serving_generation, before.serving_generation)
        assert.strictEqual((yield* visit(port, "good.example")).text, "good")

        const degraded = yield* agentIs(api, agent.id, ({ state }) => state === "Degraded", "the agent is Degraded")
        assert.isString(degraded.state_reason)

        // Mending the host is a new generation, and all is well again.
        const otherPort = yield* freePort
        yield* api.expect(200, "PATCH", `/api/v1/virtual-hosts/${bad.id}`, { listen_port: otherPort })
        yield* until(visit(otherPort, "bad.example"), ({ text }) => text === "bad", {
          fact: "the mended host is served"
        })
        yield* agentIs(api, agent.id, ({ state }) => state === "Online", "the agent is Online again")
      })
  )

  it.live(
    "a raw directive that nginx refuses: nothing live changes, and the report has its error with file, line and host",
    () =>
      Effect.gen(function* () {
        const port = yield* freePort
        const { agent, api, workspaceId } = yield* fleetOfOne
        const good = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", host(workspaceId, "good", port))
        yield* converged(api, agent.id)

        yield* api.expect(200, "PATCH", `/api/v1/virtual-hosts/${good.id}`, { snippet: "keepalive_timeout forever;" })
        const { desired_generation: wanted } = yield* api.expect(200, "GET", `/api/v1/agents/${agent.id}`)
        const failed = yield* lastDeployment(api, agent.id, wanted)
        assert.strictEqual(failed.status, "failed")
        assert.strictEqual(failed.error.step, "test")
        assert.include(failed.error.message, "keepalive_timeout")
        assert.isString(failed.error.file)
        assert.isNumber(failed.error.line)
        assert.strictEqual(failed.error.resource.id, good.id)
        assert.strictEqual((yield* visit(port, "good.example")).text, "good")
      })
  )

  it.live("an agent that was away gets everything at its return, in one deployment", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const { agent, api, workspaceId } = yield* fleetOfOne
      yield* agent.program().end("SIGTERM")
      yield* agentIs(api, agent.id, ({ state }) => state === "Offline", "the agent is Offline")
      for (const name of ["one", "two", "three"]) {
        yield* api.expect(201, "POST", "/api/v1/virtual-hosts", host(workspaceId, name, port))
      }
      yield* agent.restart
      yield* converged(api, agent.id)
      for (const name of ["one", "two", "three"]) {
        assert.strictEqual((yield* visit(port, `${name}.example`)).text, name)
      }
      const { body } = yield* until(
        api.request("GET", `/api/v1/deployments?agent_id=${agent.id}`),
        (answer) => answer.body.meta.total > 0,
        { fact: "the deployment is recorded" }
      )
      assert.strictEqual(body.meta.total, 1)
    })
  )
})
