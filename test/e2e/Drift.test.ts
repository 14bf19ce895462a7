import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFile, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { converged, fleetOfOne } from "../support/Fleet.ts"
import { freePorts } from "../support/FreePort.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

const host = "site.example"

/** What the master keeps of its agents' health. */
const healthIn = (dataDirectory: string): ReadonlyArray<string> => {
  const database = new DatabaseSync(join(dataDirectory, "telemetry.db"), { readOnly: true })
  try {
    return database
      .prepare("SELECT data FROM health")
      .all()
      .map(({ data }) => String(data))
  } finally {
    database.close()
  }
}

/** Changes the host's file under the agent, as an operator on its machine would. */
const editHost = (prefix: string, from: string, to: string) =>
  Effect.promise(async () => {
    const directory = join(prefix, "conf.d", "current", "http")
    const name = (await readdir(directory)).find((file) => file.startsWith("20-host-site-")) ?? assert.fail("no host")
    const path = join(directory, name)
    await writeFile(path, (await readFile(path, "utf8")).replace(from, to))
  })

describe("A file that someone edits on an agent's machine", () => {
  it.live("is put back and told of; by the policy accept it becomes a version that can be rolled back", () =>
    Effect.gen(function* () {
      const { agent, api, master, workspaceId } = yield* fleetOfOne
      const [port = 0] = yield* freePorts(1)
      const site = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "site",
        server_name: host,
        listen_port: port,
        locations: [{ path: "/", return: { status: 200, text: "settled" } }]
      })
      const serves = (text: string) =>
        until(visit(port, host), (answer) => answer.text === text, {
          fact: `the site says "${text}"`,
          timeoutMillis: 30_000
        })
      yield* serves("settled")
      yield* converged(api, agent.id)
      const path = `/api/v1/virtual-hosts/${site.id}`

      yield* editHost(agent.prefix, "settled", "handmade")
      yield* until(
        Effect.sync(() => healthIn(master.dataDirectory)),
        (reports) => reports.some((report) => report.includes('"response":"reverted"') && report.includes("+")),
        { fact: "the master knows what was put back", timeoutMillis: 30_000 }
      )
      yield* serves("settled")

      yield* api.expect(200, "PATCH", `/api/v1/agents/${agent.id}`, { policy: { drift: "accept" } })
      yield* until(
        Effect.promise(() => readFile(join(agent.dataDirectory, "policy.json"), "utf8").catch(() => "")),
        (text) => text.includes('"accept"'),
        { fact: "the agent knows the policy", timeoutMillis: 30_000 }
      )
      yield* editHost(agent.prefix, "settled", "handmade")
      yield* serves("handmade")
      yield* converged(api, agent.id)
      const versions = yield* api.expect(200, "GET", `${path}/versions`)
      assert.strictEqual(versions.length, 2)
      assert.match((yield* api.expect(200, "GET", path)).template, /^drift-site-/)

      yield* api.expect(200, "POST", `${path}/rollback`, { version: 1 })
      yield* serves("settled")
    })
  )
})
