import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { agentIs, converged, fleetOfOne } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { visit } from "../support/Site.ts"

const livingServer = Effect.acquireRelease(
  Effect.callback<ReturnType<typeof createServer>>((resume) => {
    const server = createServer((_, response) => response.end("living"))
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) =>
    Effect.sync(() => {
      server.close()
      server.closeAllConnections()
    })
)

describe("An upstream's health check", () => {
  it.live("leaves out a server that fails it, and the agent's state says which and why", () =>
    Effect.gen(function* () {
      const living = `127.0.0.1:${((yield* livingServer).address() as AddressInfo).port}`
      const dead = `127.0.0.1:${yield* freePort}`
      const port = yield* freePort
      const { agent, api, workspaceId } = yield* fleetOfOne
      const upstream = yield* api.expect(201, "POST", "/api/v1/upstreams", {
        workspace_id: workspaceId,
        name: "pool",
        servers: [
          { address: living, max_fails: 0 },
          { address: dead, max_fails: 0 }
        ],
        health_check: { type: "http", path: "/up", interval_seconds: 1, timeout_seconds: 1, unhealthy_threshold: 2 }
      })
      yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "site",
        server_name: "site.example",
        listen_port: port,
        locations: [{ path: "/", upstream_id: upstream.id }]
      })
      yield* converged(api, agent.id)
      const said = yield* agentIs(
        api,
        agent.id,
        ({ state, state_reason }) => state === "Degraded" && state_reason.includes(dead),
        "the agent tells of the dead server"
      )
      assert.include(said.state_reason, `${dead} of pool (connection refused)`)
      assert.notInclude(said.state_reason, living)
      assert.deepStrictEqual(
        said.health.backends_down.map(({ address }: { readonly address: string }) => address),
        [dead]
      )
      assert.strictEqual((yield* visit(port, "site.example")).text, "living")
    })
  )
})
