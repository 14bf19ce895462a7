// One change over the REST API of a cluster of three real masters, until every connected agent has its directive: TLS, signed
// calls, encoding and the log included. The agents are the agent's own link in one process (bench/cluster/AgentHerd.ts).
//
//   npm run bench cluster-fanout
//   npm run bench cluster-fanout -- --agents 2000 --hosts 500 --rounds 10

import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { Effect, References } from "effect"
import { startCluster } from "../test/support/Cluster.ts"
import { workspace } from "../test/support/Fleet.ts"
import { until } from "../test/support/Wait.ts"
import { type HerdAgent, startHerd, totalOf } from "./cluster/AgentHerd.ts"
import { millis, p50, percentile } from "./Statistics.ts"

const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "500" },
    hosts: { type: "string", default: "100" },
    rounds: { type: "string", default: "5" }
  }
})

const agentCount = Number(values.agents)
const patienceMillis = 300_000

const host = (workspaceId: string, number: number) => ({
  workspace_id: workspaceId,
  name: `host-${number}`,
  server_name: `host-${number}.example`,
  listen_port: 8080,
  locations: [{ path: "/", return: { status: 200, text: "round 0" } }]
})

const mebibytes = (pid: number): number => {
  const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
  return Math.round(Number(kibibytes) / 1_024)
}

/** Until every agent was told something after `since`, and all serve one generation. */
const everyoneHas = (agents: ReadonlyArray<HerdAgent>, since: number) =>
  until(
    Effect.sync(() => agents.filter((agent) => agent.deployedAt() > since).length),
    (told) => told === agents.length && new Set(agents.map((agent) => agent.generation())).size === 1,
    { fact: "every agent has the change", timeoutMillis: patienceMillis, everyMillis: 20 }
  )

const program = Effect.gen(function* () {
  const cluster = yield* startCluster([{}, {}, {}])
  const api = cluster.api(cluster.masters()[0]!)
  const workspaceId = yield* workspace(api)
  const numbers = Array.from({ length: Number(values.hosts) }, (_, at) => at + 1)
  const hosts = yield* Effect.forEach(
    numbers,
    (number) => api.expect(201, "POST", "/api/v1/virtual-hosts", host(workspaceId, number)),
    { concurrency: 8 }
  )
  const pids = cluster.masters().map((master) => master.program().pid)
  const before = pids.map(mebibytes)
  const { agents, connected } = yield* startHerd(cluster, api, workspaceId, agentCount)
  yield* until(connected, (seen) => totalOf(seen) === agentCount, {
    fact: "every agent is connected",
    timeoutMillis: patienceMillis
  })
  yield* everyoneHas(agents, 0)
  const times: Array<number> = []
  for (let round = 1; round <= Number(values.rounds); round++) {
    yield* cluster.renewToken
    const since = performance.now()
    yield* api.expect(200, "PATCH", `/api/v1/virtual-hosts/${hosts[0]!.id}`, {
      locations: [{ path: "/", return: { status: 200, text: `round ${round}` } }]
    })
    yield* everyoneHas(agents, since)
    times.push(...agents.map((agent) => agent.deployedAt() - since))
  }
  const shares = [...(yield* connected).values()].join(" + ")
  const grown = pids.map((pid, at) => mebibytes(pid) - before[at]!)
  process.stdout.write(
    `change → directive at ${agentCount} agents (${shares}) of three masters, ${values.hosts} hosts: ` +
      `p50 ${millis(p50(times))}   p99 ${millis(percentile(times, 0.99))}   last ${millis(Math.max(...times))}\n` +
      `resident memory of the masters since before the agents: ${grown.map((size) => `${size} MiB`).join(", ")}\n`
  )
})

await Effect.runPromise(Effect.scoped(program).pipe(Effect.provideService(References.MinimumLogLevel, "Error")))
