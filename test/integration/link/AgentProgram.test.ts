import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { temporaryDirectory } from "../../support/Fleet.ts"
import { freePort } from "../../support/FreePort.ts"
import { program } from "../../support/Program.ts"
import { until } from "../../support/Wait.ts"

/** The agent's nginx outlives the agent by design: the scope ends it by its pid. */
const endNginx = (pidFile: string) =>
  Effect.promise(async () => {
    const pid = Number(await readFile(pidFile, "utf8").catch(() => ""))
    if (pid > 1) process.kill(pid, "SIGTERM")
  }).pipe(
    Effect.andThen(
      until(
        Effect.promise(() =>
          readFile(pidFile).then(
            () => false,
            () => true
          )
        ),
        (gone) => gone,
        { fact: "nginx ended" }
      )
    )
  )

const metrics = (port: number) =>
  Effect.tryPromise(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
    return { status: answer.status, text: await answer.text() }
  })

/** AF-004 */
const names = [
  "nxmesh_nginx_connections_active",
  "nxmesh_nginx_connections_reading",
  "nxmesh_nginx_connections_writing",
  "nxmesh_nginx_connections_waiting",
  "nxmesh_nginx_requests_total",
  "nxmesh_agent_uptime_seconds",
  "nxmesh_agent_master_connection_status",
  "nxmesh_agent_config_version",
  "nxmesh_system_cpu_percent",
  "nxmesh_system_memory_used_bytes",
  "nxmesh_system_disk_used_bytes"
]

describe("nxmesh-agent", () => {
  it.live("serves its metrics from a real nginx, without any master", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("agent")
      const port = yield* freePort
      const prefix = join(directory, "n")
      yield* Effect.addFinalizer(() => endNginx(join(prefix, "nginx.pid")))
      yield* program({
        path: "packages/agent/src/main.ts",
        environment: {
          NXMESH_DATA_DIR: join(directory, "data"),
          NXMESH_NGINX_PREFIX: prefix,
          NXMESH_METRICS_ADDRESS: `127.0.0.1:${port}`
        }
      })
      const { text } = yield* until(
        metrics(port),
        ({ status, text }) => status === 200 && /^nxmesh_nginx_requests_total\{.*\} [1-9]/m.test(text),
        { fact: "the metrics count nginx's requests" }
      )
      for (const name of names) assert.match(text, new RegExp(`^${name}\\{agent_id="".*\\} [0-9]`, "m"), name)
      assert.match(text, /^nxmesh_agent_master_connection_status\{.*\} 0$/m)
    })
  )

  it.live("says which setting is wrong, and ends", () =>
    Effect.gen(function* () {
      const agent = yield* program({
        path: "packages/agent/src/main.ts",
        environment: { NXMESH_MASTER_URL: "http://master" }
      })
      yield* until(Effect.sync(agent.ended), (ended) => ended !== null, { fact: "the agent ended" })
      assert.include(agent.output(), "NXMESH_MASTER_URL")
      assert.notInclude(agent.output(), "    at ")
    })
  )
})
