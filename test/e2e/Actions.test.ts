/**
 * What a person asks of an nginx through a master that does not hold its agent (AF-001): reload, test, stop, start, rollback, and a
 * preflight that nginx refuses. Real masters, a real agent, a real nginx.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCluster } from "../support/Cluster.ts"
import { agentIs, converged, startAgent, workspace } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { type Seen, visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

const host = "site.example"
const serves = (port: number, wanted: string) =>
  until(visit(port, host), ({ text }: Seen) => text === wanted, { fact: `nginx answers ${wanted}` })

describe("an action through any master", () => {
  it.live(
    "is done by the agent of another one, and answered with what nginx did",
    () =>
      Effect.gen(function* () {
        const cluster = yield* startCluster([{}, {}])
        const [near, far] = cluster.masters()
        const api = cluster.api(far!)
        const workspaceId = yield* workspace(api)
        const agent = yield* startAgent(near!, api, workspaceId)
        const port = yield* freePort
        const site = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
          workspace_id: workspaceId,
          name: "site",
          server_name: host,
          listen_port: port,
          locations: [{ path: "/", return: { status: 200, text: "one" } }]
        })
        yield* serves(port, "one")
        yield* converged(api, agent.id)

        /** Through each master in turn: one of them does not hold the agent. */
        let turn = 0
        const act = (body: object) =>
          cluster.api(cluster.masters()[turn++ % 2]!).expect(200, "POST", `/api/v1/agents/${agent.id}/actions`, body)
        const done = Effect.fnUntraced(function* (body: object) {
          const record = yield* act(body)
          assert.strictEqual(record.status, "done", JSON.stringify(record))
          return record
        })

        for (const action of ["reload", "reload", "test", "test"]) yield* done({ action })

        yield* done({ action: "stop" })
        const stopped = yield* agentIs(
          api,
          agent.id,
          ({ state }) => state === "Maintenance",
          "a stopped nginx is no alarm"
        )
        assert.match(stopped.state_reason, /stopped/)
        assert.isTrue(yield* Effect.isFailure(visit(port, host)))
        yield* done({ action: "start" })
        yield* serves(port, "one")
        yield* agentIs(api, agent.id, ({ state }) => state === "Online", "it is online again")

        const deployments = () => api.expect(200, "GET", `/api/v1/deployments?agent_id=${agent.id}&sort=-finished_at`)
        const [first] = yield* deployments()
        yield* api.expect(200, "PATCH", `/api/v1/virtual-hosts/${site.id}`, {
          locations: [{ path: "/", return: { status: 200, text: "two" } }]
        })
        yield* serves(port, "two")
        yield* converged(api, agent.id)
        yield* done({ action: "rollback", deployment_id: first.id })
        yield* serves(port, "one")
        const held = yield* agentIs(api, agent.id, ({ state }) => state === "Maintenance", "it is held")
        assert.include(held.state_reason, `rolled back to deployment ${first.id}`)
        yield* done({ action: "maintenance_off" })
        yield* serves(port, "two")
        yield* converged(api, agent.id)

        const change = (snippet: string) =>
          api.request("PATCH", `/api/v1/virtual-hosts/${site.id}?preflight=${agent.id}`, { snippet })
        const refused = yield* change("sendfile maybe;")
        assert.deepStrictEqual(
          [refused.status, refused.body.error?.code],
          [422, "PREFLIGHT_FAILED"],
          JSON.stringify(refused.body)
        )
        assert.include(JSON.stringify(refused.body), "sendfile")
        const taken = yield* change("sendfile on;")
        assert.strictEqual(taken.status, 200, JSON.stringify(taken.body))
        yield* converged(api, agent.id)
      }),
    240_000
  )
})
