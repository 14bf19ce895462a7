import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { backend } from "../support/Backend.ts"
import { converged, fleetOfOne, startAgent, startMaster, workspace } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { type Seen, visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

const host = "site.example"
const serves = (port: number, holds: (seen: Seen) => boolean, fact: string) =>
  until(visit(port, host), holds, { fact, timeoutMillis: 10_000, everyMillis: 10 })

describe("A change made over the API is served by a real nginx, with proof", () => {
  it.live("creates, changes, rolls back and deletes a virtual host", () =>
    Effect.gen(function* () {
      const blue = yield* backend("blue")
      const { agent, api, workspaceId } = yield* fleetOfOne
      const port = yield* freePort

      const upstream = yield* api.expect(201, "POST", "/api/v1/upstreams", {
        workspace_id: workspaceId,
        name: "blue",
        servers: [{ address: blue.address }]
      })
      const created = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "site",
        server_name: host,
        listen_port: port,
        locations: [{ path: "/", upstream_id: upstream.id }]
      })
      yield* serves(port, ({ text }) => text.includes('"backend":"blue"'), "the new host proxies to its upstream")

      yield* api.expect(200, "PATCH", `/api/v1/virtual-hosts/${created.id}`, {
        locations: [
          { path: "/", return: { status: 200, text: "hello" }, custom_headers: [{ name: "X-Site", value: "two" }] }
        ]
      })
      const changed = yield* serves(port, ({ text }) => text === "hello", "the change is served")
      assert.strictEqual(changed.headers["x-site"], "two")

      const deployed = yield* until(
        api.request("GET", `/api/v1/deployments?agent_id=${agent.id}&sort=-finished_at`),
        ({ body }) => body.data.length >= 2,
        { fact: "both deployments are recorded" }
      )
      assert.deepStrictEqual(
        [...new Set(deployed.body.data.map(({ status }: { status: string }) => status))],
        ["settled"]
      )

      const rolledBack = yield* api.expect(200, "POST", `/api/v1/virtual-hosts/${created.id}/rollback`, { version: 1 })
      assert.strictEqual(rolledBack.locations[0].upstream_id, upstream.id)
      yield* serves(port, ({ text }) => text.includes('"backend":"blue"'), "the first version is served again")
      const versions = yield* api.request("GET", `/api/v1/virtual-hosts/${created.id}/versions`)
      assert.strictEqual(versions.body.meta.total, 3)

      const refused = yield* api.request("DELETE", `/api/v1/upstreams/${upstream.id}`)
      assert.strictEqual(refused.status, 409)
      assert.include(JSON.stringify(refused.body.error.details), created.id)

      yield* api.expect(204, "DELETE", `/api/v1/virtual-hosts/${created.id}`)
      yield* until(
        visit(port, host).pipe(
          Effect.as(false),
          Effect.catch(() => Effect.succeed(true))
        ),
        (gone) => gone,
        { fact: "nothing listens on the port any more" }
      )
    })
  )

  it.live("serves the same bundle to agents with the same selection, and another to the rest", () =>
    Effect.gen(function* () {
      const master = yield* startMaster()
      const api = yield* master.admin
      const workspaceId = yield* workspace(api)
      const edge = yield* startAgent(master, api, workspaceId, { name: "edge", labels: { tier: "edge" } })
      const inner = yield* startAgent(master, api, workspaceId, { name: "inner", labels: { tier: "inner" } })
      const port = yield* freePort
      yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "edge only",
        server_name: host,
        listen_port: port,
        target_agents: { scope: "labels", match_labels: { tier: "edge" } },
        locations: [{ path: "/", return: { status: 200, text: "edge" } }]
      })
      yield* serves(port, ({ text }) => text === "edge", "the edge agent serves it")
      const edgeNow = yield* api.expect(200, "GET", `/api/v1/agents/${edge.id}`)
      const innerNow = yield* api.expect(200, "GET", `/api/v1/agents/${inner.id}`)
      assert.notStrictEqual(edgeNow.desired_generation, innerNow.desired_generation)

      // The labels move: the bundles follow.
      yield* api.expect(200, "PATCH", `/api/v1/agents/${edge.id}`, { labels: { tier: "inner" } })
      const moved = yield* api.expect(200, "GET", `/api/v1/agents/${edge.id}`)
      assert.strictEqual(moved.desired_generation, innerNow.desired_generation)
      yield* converged(api, edge.id)
    })
  )
})
