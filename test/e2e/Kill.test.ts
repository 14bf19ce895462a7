import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { agentIs, fleetOfOne } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { newConnections } from "../support/Load.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

const host = "site.example"

/** Milliseconds after the accepted change: a deployment takes about 150, so these fall into each of its steps. */
const killAfterMillis = [0, 5, 10, 20, 35, 50, 75, 100, 130, 170]

describe("Kill -9 in the middle of a deployment", () => {
  it.live("leaves nginx serving throughout, and the change served after the restart, whichever program dies", () =>
    Effect.gen(function* () {
      const fleet = yield* fleetOfOne
      const { agent, master, workspaceId } = fleet
      let { api } = fleet
      const port = yield* freePort
      const locations = (text: string) => [{ path: "/", return: { status: 200, text } }]
      const { id } = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "site",
        server_name: host,
        listen_port: port,
        locations: locations("first")
      })
      const serves = (text: string) =>
        until(visit(port, host), (seen) => seen.text === text, { fact: `${text} is served`, timeoutMillis: 30_000 })
      yield* serves("first")

      const stop = yield* Deferred.make<void>()
      const clients = yield* Effect.forkChild(newConnections({ port, host, path: "/" }, 2, stop))
      for (const [round, delayMillis] of killAfterMillis.entries()) {
        const victim = round % 2 === 0 ? agent : master
        const text = `round ${round}`
        yield* api.expect(200, "PATCH", `/api/v1/virtual-hosts/${id}`, { locations: locations(text) })
        yield* Effect.sleep(delayMillis) // the point is to die at this moment, whatever happens then
        yield* victim.program().end("SIGKILL")
        yield* victim.restart
        // A new token: the old one would do as well, but a restart of the master may not lose sessions either.
        api = yield* master.admin
        yield* serves(text)
        yield* agentIs(
          api,
          agent.id,
          ({ desired_generation, serving_generation, state }) =>
            state === "Online" && desired_generation === serving_generation,
          `round ${round} is reported as served`
        )
        const versions = yield* api.request("GET", `/api/v1/virtual-hosts/${id}/versions`)
        assert.strictEqual(versions.body.meta.total, round + 2)
      }
      yield* Deferred.succeed(stop, undefined)
      const seen = yield* Fiber.join(clients)
      assert.isAbove(seen.requests, 100)
      assert.deepStrictEqual(seen.reasons, {})
    })
  )
})
