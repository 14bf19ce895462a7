import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startAgent, startMaster, workspace } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

describe("An agent's own labels", () => {
  it.live("select it for hosts from its enrolment on, under the labels that it was given", () =>
    Effect.gen(function* () {
      const master = yield* startMaster()
      const api = yield* master.admin
      const workspaceId = yield* workspace(api)
      const port = yield* freePort
      yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "site",
        server_name: "site.example",
        listen_port: port,
        target_agents: { scope: "labels", match_labels: { env: "prod", tier: "edge" } },
        locations: [{ path: "/", return: { status: 200, text: "edge" } }]
      })
      const agent = yield* startAgent(master, api, workspaceId, {
        labels: { env: "prod" },
        environment: { NXMESH_AGENT_LABELS: "env=test,tier=edge" }
      })
      const { labels } = yield* api.expect(200, "GET", `/api/v1/agents/${agent.id}`)
      assert.deepStrictEqual(labels, { env: "prod", tier: "edge" })
      yield* until(visit(port, "site.example"), ({ text }) => text === "edge", { fact: "the host is served" })

      yield* api.expect(200, "PATCH", `/api/v1/agents/${agent.id}`, { labels: { env: "prod" } })
      yield* agent.program().end("SIGTERM")
      yield* agent.restart
      const kept = yield* api.expect(200, "GET", `/api/v1/agents/${agent.id}`)
      assert.deepStrictEqual(kept.labels, { env: "prod" })
    })
  )
})
