import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { performance } from "node:perf_hooks"
import { fleetOfOne } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

const host = "site.example"

describe("What a real nginx logs is found by whoever asks", () => {
  it.live("has a request in the query's answer within two seconds", () =>
    Effect.gen(function* () {
      const { agent, api, workspaceId } = yield* fleetOfOne
      const port = yield* freePort
      const created = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "site",
        server_name: host,
        listen_port: port,
        locations: [{ path: "/", return: { status: 418, text: "tea" } }]
      })
      yield* until(visit(port, host), ({ text }) => text === "tea", { fact: "the host is served", everyMillis: 20 })
      const found = (path: string) =>
        api.request("GET", `/api/v1/access-logs?agent_id=${agent.id}&status=418&path_prefix=${path}`)
      // The agent's way to the master is open when what came before is there.
      yield* until(found("/"), ({ body }) => body.data.length > 0, {
        fact: "lines arrive at all",
        timeoutMillis: 20_000
      })
      const asked = performance.now()
      yield* visit(port, host, "/coffee?size=large")
      const { body } = yield* until(found("/coffee"), (answer) => answer.body.data.length > 0, {
        fact: "the request is in the answer",
        everyMillis: 50
      })
      const tookMillis = performance.now() - asked
      const [line] = body.data
      assert.deepInclude(line, { method: "GET", uri: "/coffee?size=large", host, virtual_host_id: created.id })
      assert.isBelow(tookMillis, 2_000)
    })
  )
})
