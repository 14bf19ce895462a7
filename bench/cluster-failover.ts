// A cluster of three real masters loses its leader: kill -9, then milliseconds until the next accepted write over the REST API,
// until the first agent that was connected to it is connected again, and until all are. etcd's next acknowledged write in the
// same run, on the same machine (Debian: etcd-server; left out where it is not installed).
//
//   npm run bench cluster-failover
//   npm run bench cluster-failover -- --rounds 20 --agents 300 --etcd 20

import { parseArgs } from "node:util"
import { Effect, References } from "effect"
import type { ClusterMaster, TestCluster } from "../test/support/Cluster.ts"
import { startCluster } from "../test/support/Cluster.ts"
import { workspace } from "../test/support/Fleet.ts"
import { until } from "../test/support/Wait.ts"
import { ask } from "../test/chaos/Requests.ts"
import { type Herd, startHerd, totalOf } from "./cluster/AgentHerd.ts"
import { GeneratorProcess } from "./raft/load/GeneratorProcess.ts"
import { measureFailover } from "./raft/measure/Failover.ts"
import { pausesTable } from "./raft/measure/Report.ts"
import { etcdSystem, tunedEtcdSystem } from "./raft/Systems.ts"

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    agents: { type: "string", default: "150" },
    etcd: { type: "string", default: "10" }
  }
})

interface Round {
  readonly writeMillis: number
  readonly firstAgentMillis: number
  readonly allAgentsMillis: number
}

const attemptMillis = 1_000
const retryMillis = 5
const patienceMillis = 60_000

/** One write by a client that asks the masters in turn until one accepts it. Each attempt is another write: none is doubled. */
const writeUntilAccepted = (cluster: TestCluster, masters: ReadonlyArray<ClusterMaster>, slug: string) => {
  let attempt = 0
  return until(
    Effect.promise(() =>
      ask({
        method: "POST",
        url: `${masters[attempt++ % masters.length]!.origin}/api/v1/organizations`,
        token: cluster.token(),
        body: { name: slug, slug: `${slug}-${attempt}` },
        timeoutMillis: attemptMillis
      })
    ),
    (told) => told.kind === "told" && told.status === 201,
    { fact: "a write is accepted", timeoutMillis: patienceMillis, everyMillis: retryMillis }
  )
}

/** Until as many are connected as before, none of them to the one that died; and when the first of its own was. */
const reconnected = (herd: Herd, dead: ClusterMaster, killedAt: number) =>
  Effect.gen(function* () {
    const url = `${dead.linkUrl}/agents`
    let first = Number.NaN
    let least = Infinity
    yield* until(
      Effect.map(herd.connected, (seen) => {
        const alive = totalOf(seen) - (seen.get(url) ?? 0)
        least = Math.min(least, alive)
        if (alive > least && Number.isNaN(first)) first = performance.now() - killedAt
        return alive
      }),
      (alive) => alive === herd.agents.length,
      { fact: "every agent is connected", timeoutMillis: patienceMillis, everyMillis: 10 }
    )
    return { firstAgentMillis: first, allAgentsMillis: performance.now() - killedAt }
  })

const failOnce = (cluster: TestCluster, herd: Herd, round: number) =>
  Effect.gen(function* () {
    const leader = yield* cluster.leader
    const others = cluster.masters().filter((master) => master !== leader)
    const killedAt = performance.now()
    yield* Effect.forkChild(leader.kill)
    const written = writeUntilAccepted(cluster, others, `round-${round}`).pipe(
      Effect.map(() => performance.now() - killedAt)
    )
    const [writeMillis, agents] = yield* Effect.all([written, reconnected(herd, leader, killedAt)], {
      concurrency: "unbounded"
    })
    yield* leader.start
    yield* leader.ready
    yield* cluster.settled()
    return { writeMillis, ...agents } satisfies Round
  })

const program = Effect.gen(function* () {
  const agentCount = Number(values.agents)
  const cluster = yield* startCluster([{}, {}, {}])
  const api = cluster.api(cluster.masters()[0]!)
  const herd = yield* startHerd(cluster, api, yield* workspace(api), { count: agentCount, settleMillis: 0 })
  yield* until(herd.connected, (seen) => totalOf(seen) === agentCount, {
    fact: "every agent is connected",
    timeoutMillis: patienceMillis * 5
  })
  const rounds: Array<Round> = []
  for (let round = 1; round <= Number(values.rounds); round++) rounds.push(yield* failOnce(cluster, herd, round))
  return rounds
})

const rounds = await Effect.runPromise(
  Effect.scoped(program).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))
)
const rows: Array<readonly [string, ReadonlyArray<number>]> = [
  ["next accepted write", rounds.map(({ writeMillis }) => writeMillis)],
  ["first agent connected again", rounds.map(({ firstAgentMillis }) => firstAgentMillis).filter(Number.isFinite)],
  [`all ${values.agents} agents connected`, rounds.map(({ allAgentsMillis }) => allAgentsMillis)]
]
const generator = new GeneratorProcess()
try {
  for (const system of Number(values.etcd) > 0 ? [...etcdSystem(null), ...tunedEtcdSystem(null)] : []) {
    rows.push([`${system.name}: next write`, await measureFailover(generator, system, Number(values.etcd))])
  }
} finally {
  await generator.stop()
}
process.stdout.write(`kill -9 of the leading master, from the kill:\n\n${pausesTable(rows)}\n`)
