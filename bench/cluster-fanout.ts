// One change over the REST API of a cluster of three real masters, until every connected agent has its directive: TLS, signed
// calls, encoding and the log included. Then, with --storm, the leading master dies, and its agents return to the others. The
// agents speak the real protocol from one process, as lean as can be (bench/cluster/LeanAgent.ts). Processor time is counted for each process, for on
// a machine with fewer cores than processes the times on the wall say how few there are.
//
//   npm run bench cluster-fanout
//   npm run bench cluster-fanout --agents 2000 --hosts 500 --rounds 10 --storm
//   npm run bench cluster-fanout --agents 10000 --storm --home       waits until the fleet is even again, minutes
//   npm run bench cluster-fanout --settle 0              agents that report at once; 300 ms is what a small nginx takes
//   npm run bench cluster-fanout --own-link              the agent's own link in place of the lean ones
//   npm run bench cluster-fanout --profile /tmp/profiles             a .cpuprofile of every process while the rounds run

import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Effect, References } from "effect"
import type { Api } from "../test/support/Api.ts"
import { type ClusterMaster, startCluster, type TestCluster } from "../test/support/Cluster.ts"
import { workspace } from "../test/support/Fleet.ts"
import { until } from "../test/support/Wait.ts"
import { type Herd, type HerdAgent, startHerd, together } from "./cluster/AgentHerd.ts"
import { heapInUse, inspected, profile, profileSelf } from "./cluster/Inspector.ts"
import { cpuMillis, residentKibibytes } from "./cluster/ProcessUse.ts"
import { slowestAnswers } from "./cluster/SlowestAnswer.ts"
import { millis, p50, percentile, table } from "./Statistics.ts"

const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "500" },
    masters: { type: "string", default: "3" },
    hosts: { type: "string", default: "100" },
    settle: { type: "string", default: "300" },
    rounds: { type: "string", default: "5" },
    storm: { type: "boolean", default: false },
    home: { type: "boolean", default: false },
    "own-link": { type: "boolean", default: false },
    profile: { type: "string" }
  }
})

const agentCount = Number(values.agents)
const rounds = Number(values.rounds)
const patienceMillis = 300_000
const idleMillis = 5_000

const say = (text: string) => process.stdout.write(`${text}\n`)

const host = (workspaceId: string, number: number) => ({
  workspace_id: workspaceId,
  name: `host-${number}`,
  server_name: `host-${number}.example`,
  listen_port: 8080,
  locations: [{ path: "/", return: { status: 200, text: "round 0" } }]
})

const spread = (times: ReadonlyArray<number>): string =>
  `p50 ${millis(p50(times))}   p90 ${millis(percentile(times, 0.9))}   p99 ${millis(percentile(times, 0.99))}   worst ${millis(Math.max(...times))}`

/** The processes whose time is counted, the generator last. */
const processes = (cluster: TestCluster) => [
  ...cluster.masters().map((master) => ({ name: master.name, pid: master.program().pid })),
  { name: "generator", pid: process.pid }
]
const cpuOf = (cluster: TestCluster): ReadonlyArray<number> => processes(cluster).map(({ pid }) => cpuMillis(pid))

/** Until all have little to do for a moment: what a change costs ends with the last outcome that is recorded. */
const rest = (cluster: TestCluster) => {
  let before = cpuOf(cluster)
  return until(
    Effect.sync(() => {
      const now = cpuOf(cluster)
      const busiest = Math.max(...now.map((millis, at) => millis - before[at]!))
      before = now
      return busiest
    }),
    (busiest) => busiest <= 60,
    { fact: "the processes are at rest", timeoutMillis: 30_000, everyMillis: 250 }
  )
}

/** Until every agent was told something after `since`, and all serve one generation. */
const everyoneHas = (agents: ReadonlyArray<HerdAgent>, since: number) =>
  until(
    Effect.sync(() => agents.filter((agent) => agent.deployedAt() > since).length),
    (told) => told === agents.length && new Set(agents.map((agent) => agent.generation())).size === 1,
    { fact: "every agent has the change", timeoutMillis: patienceMillis, everyMillis: 20 }
  )

interface Memory {
  readonly heap: number
  readonly resident: number
}

/** Kibibytes of each master, after a collection. */
const memoryOf = (masters: ReadonlyArray<ClusterMaster>): Effect.Effect<ReadonlyArray<Memory>> =>
  Effect.promise(() =>
    Promise.all(
      masters.map(async (master) => {
        const heap = await heapInUse(master.program().output())
        return { heap, resident: residentKibibytes(master.program().pid) }
      })
    )
  )

const memoryTable = (
  masters: ReadonlyArray<ClusterMaster>,
  held: ReadonlyArray<number>,
  before: ReadonlyArray<Memory>,
  after: ReadonlyArray<Memory>
): string => {
  const each = (at: number, what: keyof Memory) =>
    `${Math.round((after[at]![what] - before[at]![what]) / Math.max(1, held[at]!))} KiB`
  return table([
    ["memory for one agent more", "resident", "of that in V8's heap"],
    ...masters.map(({ name }, at) => [name, each(at, "resident"), each(at, "heap")])
  ])
}

/** Profiles every process while the effect runs, when that was asked for. */
const profiled = <A, E, R>(cluster: TestCluster, name: string, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const directory = values.profile
    if (directory === undefined) return yield* effect
    mkdirSync(directory, { recursive: true })
    const running = cluster.masters().filter((master) => master.isRunning())
    const stops = yield* Effect.promise(() =>
      Promise.all([
        ...running.map((master) =>
          profile(master.program().output(), join(directory, `${name}-${master.name}.cpuprofile`))
        ),
        profileSelf(join(directory, `${name}-generator.cpuprofile`))
      ])
    )
    const result = yield* effect
    yield* Effect.promise(() => Promise.all(stops.map((stop) => stop())))
    return result
  })

const shares = (cluster: TestCluster, herd: Herd) =>
  Effect.map(herd.connected, (connected) =>
    cluster.masters().map((master) => connected.get(`${master.linkUrl}/agents`) ?? 0)
  )

const change = (cluster: TestCluster, api: Api, hostId: string, round: number, agents: ReadonlyArray<HerdAgent>) =>
  Effect.gen(function* () {
    const since = performance.now()
    yield* api.expect(200, "PATCH", `/api/v1/virtual-hosts/${hostId}`, {
      locations: [{ path: "/", return: { status: 200, text: `round ${round}` } }]
    })
    yield* everyoneHas(agents, since)
    // A change meanwhile would wait for what is in flight.
    yield* Effect.sleep(Number(values.settle))
    yield* rest(cluster)
    return agents.map((agent) => agent.deployedAt() - since)
  })

const fanOut = (cluster: TestCluster, api: Api, hostId: string, herd: Herd) =>
  Effect.gen(function* () {
    const { agents } = herd
    const held = [...(yield* shares(cluster, herd)), agentCount]
    yield* rest(cluster)
    const idleBefore = cpuOf(cluster)
    yield* Effect.sleep(idleMillis)
    const idle = cpuOf(cluster).map((used, at) => (used - idleBefore[at]!) / idleMillis)
    const before = cpuOf(cluster)
    const startedAt = performance.now()
    const times: Array<number> = []
    for (let round = 1; round <= rounds; round++) {
      yield* cluster.renewToken
      times.push(...(yield* change(cluster, api, hostId, round, agents)))
    }
    const took = performance.now() - startedAt
    const used = cpuOf(cluster).map((now, at) => now - before[at]! - idle[at]! * took)
    say(`change → directive: ${spread(times)}\n`)
    say(
      table([
        ["processor time", "agents", "idle", "a change", "a change and agent"],
        ...processes(cluster).map(({ name }, at) => [
          name,
          String(held[at]),
          `${(idle[at]! * 100).toFixed(0)} %`,
          millis(used[at]! / rounds),
          `${((used[at]! / rounds / Math.max(1, held[at]!)) * 1_000).toFixed(0)} µs`
        ])
      ])
    )
  })

const storm = (cluster: TestCluster, herd: Herd) =>
  Effect.gen(function* () {
    const leader = yield* cluster.leader
    const urls = yield* Effect.forEach(herd.agents, (agent) => agent.master())
    const victims = herd.agents.filter((_, at) => urls[at] === `${leader.linkUrl}/agents`)
    const others = cluster.masters().filter((master) => master !== leader)
    const before = others.map((master) => cpuMillis(master.program().pid))
    const killedAt = performance.now()
    yield* Effect.forkChild(leader.kill)
    const { slowestMillis: pauses } = yield* slowestAnswers(
      others,
      until(
        Effect.sync(() => victims.filter((agent) => agent.readyAt() > killedAt).length),
        (back) => back === victims.length,
        { fact: "every agent is connected again", timeoutMillis: patienceMillis, everyMillis: 20 }
      )
    )
    const times = victims.map((agent) => agent.readyAt() - killedAt)
    const used = others.map((master, at) => cpuMillis(master.program().pid) - before[at]!)
    const cost = used.reduce((sum, one) => sum + one, 0) / victims.length
    say(
      `\nreconnect of ${victims.length} agents after kill -9 of the leader: first ${millis(Math.min(...times))}   ${spread(times)}\n` +
        `processor time of the masters for one that returns: ${cost.toFixed(2)} ms\n` +
        `slowest answer of a master meanwhile: ${pauses.map(millis).join(", ")}`
    )
    if (values.home) yield* returned(cluster, herd, leader)
  })

/** The dead master comes back: until each holds its share, give or take a tenth. */
const returned = (cluster: TestCluster, herd: Herd, dead: ClusterMaster) =>
  Effect.gen(function* () {
    yield* dead.start
    yield* dead.ready
    const since = performance.now()
    const share = agentCount / cluster.masters().length
    yield* until(shares(cluster, herd), (held) => held.every((one) => Math.abs(one - share) <= share * 0.1 + 8), {
      fact: "each master holds its share again",
      timeoutMillis: 1_200_000,
      everyMillis: 1_000
    })
    say(
      `even again ${((performance.now() - since) / 1_000).toFixed(0)} s after it returned: ${(yield* shares(cluster, herd)).join(" + ")}`
    )
  })

const program = Effect.gen(function* () {
  const cluster = yield* startCluster(
    Array.from({ length: Number(values.masters) }, () => ({ environment: inspected }))
  )
  const masters = cluster.masters()
  const api = cluster.api(masters[0]!)
  const workspaceId = yield* workspace(api)
  const numbers = Array.from({ length: Number(values.hosts) }, (_, at) => at + 1)
  const hosts = yield* Effect.forEach(
    numbers,
    (number) => api.expect(201, "POST", "/api/v1/virtual-hosts", host(workspaceId, number)),
    { concurrency: 8 }
  )
  const connecting = cpuOf(cluster)
  const connectingSince = performance.now()
  const settleMillis = Number(values.settle)
  const half = Math.floor(agentCount / 2)
  const firstHalf = yield* startHerd(cluster, api, workspaceId, {
    count: half,
    settleMillis,
    ownLink: values["own-link"]
  })
  yield* everyoneHas(firstHalf.agents, 0)
  // What a master takes by itself, caches that fill up among it, is there by now: the other half shows what an agent takes.
  const heldBefore = yield* shares(cluster, firstHalf)
  const before = yield* memoryOf(masters)
  const secondHalf = yield* startHerd(cluster, api, workspaceId, {
    count: agentCount - half,
    after: half,
    settleMillis,
    ownLink: values["own-link"]
  })
  const herd = together(firstHalf, secondHalf)
  yield* everyoneHas(herd.agents, 0)
  const after = yield* memoryOf(masters)
  const connected = cpuOf(cluster).map((now, at) => (now - connecting[at]!) / agentCount)
  const held = yield* shares(cluster, herd)
  say(
    `${agentCount} agents of ${masters.length} masters (${held.join(" + ")}), ${values.hosts} hosts; connected in ` +
      `${((performance.now() - connectingSince) / 1_000).toFixed(0)} s, enrolment included, with ` +
      `${processes(cluster)
        .map(({ name }, at) => `${connected[at]!.toFixed(1)} ms of ${name}`)
        .join(", ")} an agent`
  )
  yield* profiled(cluster, "fan-out", fanOut(cluster, api, hosts[0]!.id, herd))
  const more = held.map((now, at) => now - heldBefore[at]!)
  say(`\n${memoryTable(masters, more, before, after)}`)
  if (values.storm) yield* profiled(cluster, "storm", storm(cluster, herd))
})

await Effect.runPromise(Effect.scoped(program).pipe(Effect.provideService(References.MinimumLogLevel, "Error")))
