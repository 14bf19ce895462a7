import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { agentIs, converged, startAgent, startMaster, workspace } from "../support/Fleet.ts"
import { freePorts } from "../support/FreePort.ts"
import { masterOf, workers } from "../support/NginxWorkers.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

const host = "site.example"

interface HealthRow {
  readonly at: number
  readonly sequence: number | null
  readonly data: string
}

/** What the master has of its agents' health, in the order in which it took it. */
const healthIn = (dataDirectory: string): ReadonlyArray<HealthRow> => {
  const database = new DatabaseSync(join(dataDirectory, "telemetry.db"), { readOnly: true, timeout: 5_000 })
  try {
    return database.prepare("SELECT at, sequence, data FROM health ORDER BY id").all() as unknown as Array<HealthRow>
  } finally {
    database.close()
  }
}

describe("An agent without a master", () => {
  it.live("keeps its site served through the death of everything around it, and tells of it once, in order", () =>
    Effect.gen(function* () {
      const master = yield* startMaster()
      const api = yield* master.admin
      const workspaceId = yield* workspace(api)
      const [port, metricsPort] = yield* freePorts(2)
      const agent = yield* startAgent(master, api, workspaceId, {
        environment: { NXMESH_METRICS_ADDRESS: `127.0.0.1:${metricsPort}` }
      })
      yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "site",
        server_name: host,
        listen_port: port,
        locations: [{ path: "/", return: { status: 200, text: "as it was" } }]
      })
      const served = until(visit(port ?? 0, host), ({ text }) => text === "as it was", {
        fact: "the site is served",
        timeoutMillis: 30_000
      })
      yield* served
      yield* converged(api, agent.id)
      const deployments = yield* api.request("GET", `/api/v1/deployments?agent_id=${agent.id}`)

      yield* master.program().end("SIGKILL")
      const killNginx = Effect.sync(() => {
        const pid = masterOf(agent.pidFile)
        // The master first: it would make other workers.
        for (const one of [pid, ...workers(pid).map((worker) => worker.pid)]) process.kill(one, "SIGKILL")
      })
      // nginx, as the OOM killer would.
      yield* killNginx
      yield* served
      // The agent alone: its nginx serves on, and the next agent finds it.
      yield* agent.program().end("SIGKILL")
      yield* served
      yield* agent.startAlone
      // The host: nothing runs, /run is new, and the pid file names nobody.
      yield* agent.program().end("SIGKILL")
      yield* killNginx
      rmSync(join(agent.prefix, "run"), { recursive: true, force: true })
      yield* agent.startAlone
      yield* served
      const metrics = Effect.tryPromise(() =>
        fetch(`http://127.0.0.1:${metricsPort}/metrics`).then((answer) => answer.text())
      )
      yield* until(metrics, (text) => /^nxmesh_agent_master_connection_status\{.*\} 0$/m.test(text), {
        fact: "the agent tells its health on the island",
        timeoutMillis: 30_000
      })

      yield* master.restart
      const after = yield* master.admin
      yield* agentIs(
        after,
        agent.id,
        ({ desired_generation, serving_generation, state }) =>
          state === "Online" && desired_generation === serving_generation,
        "the agent is back, and serves what it should",
        90_000
      )
      const again = yield* after.request("GET", `/api/v1/deployments?agent_id=${agent.id}`)
      assert.deepStrictEqual(
        again.body.data.map(({ id }: { readonly id: string }) => id),
        deployments.body.data.map(({ id }: { readonly id: string }) => id),
        "hashes were compared, and nothing was deployed anew"
      )

      const rows = yield* until(
        Effect.try(() => healthIn(master.dataDirectory)),
        (seen) => seen.filter(({ sequence }) => sequence !== null).length >= 3,
        { fact: "the health of the island arrived", timeoutMillis: 30_000 }
      )
      const ofIsland = rows.filter(({ sequence }) => sequence !== null)
      const sequences = ofIsland.map(({ sequence }) => sequence ?? 0)
      assert.deepStrictEqual(
        sequences,
        [...new Set(sequences)].toSorted((a, b) => a - b),
        "once, and in order"
      )
      const times = ofIsland.map(({ at }) => at)
      assert.deepStrictEqual(
        times,
        times.toSorted((a, b) => a - b)
      )
      assert.strictEqual(new Set(rows.map(({ at }) => at)).size, rows.length)
    })
  )
})
