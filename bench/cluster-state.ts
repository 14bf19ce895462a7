// A cluster of real masters that holds a large state, made over the REST API: how long a restart takes, an empty master that
// joins, one that comes back after the log was compacted without it, and a backup; and the slowest answer of the leader
// meanwhile, which nobody else waits longer for.
//
//   npm run bench cluster-state
//   npm run bench cluster-state --resources 100000

import { parseArgs } from "node:util"
import { Effect, References } from "effect"
import { type ClusterMaster, startCluster, type TestCluster } from "../test/support/Cluster.ts"
import { workspace } from "../test/support/Fleet.ts"
import { residentKibibytes } from "./cluster/ProcessUse.ts"
import { slowestAnswers } from "./cluster/SlowestAnswer.ts"
import { millis, table } from "./Statistics.ts"

const { values } = parseArgs({ options: { resources: { type: "string", default: "20000" } } })
const resources = Number(values.resources)
const clients = 32
const tokenLastsResources = 20_000
const patienceMillis = 300_000

const upstream = (workspaceId: string, number: number) => ({
  workspace_id: workspaceId,
  name: `upstream-${number}`,
  servers: Array.from({ length: 4 }, (_, at) => ({ address: `10.0.${at}.1:8080`, weight: 1 + (number % 5) }))
})

const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`
const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`

/** The work, how long it took, and the slowest answer of the master meanwhile. */
const watched = <A, E, R>(master: ClusterMaster, name: string, work: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const since = performance.now()
    const { result, slowestMillis } = yield* slowestAnswers(
      [master],
      Effect.map(work, () => seconds(since))
    )
    return [name, result, ...slowestMillis.map(millis)]
  })

/** Token by token, for one lasts a quarter of an hour. */
const inTurns = (cluster: TestCluster, count: number, request: (number: number) => Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    for (let from = 0; from < count; from += tokenLastsResources) {
      yield* cluster.renewToken
      const numbers = Array.from({ length: Math.min(tokenLastsResources, count - from) }, (_, at) => from + at)
      yield* Effect.forEach(numbers, request, { concurrency: clients, discard: true })
    }
    yield* cluster.renewToken
  })

const metric = (master: ClusterMaster, name: string) =>
  Effect.promise(async () => {
    const text = await fetch(`${master.origin}/metrics`).then((answer) => answer.text())
    return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN)
  })

const backup = (cluster: TestCluster, master: ClusterMaster) =>
  Effect.promise(async () => {
    const answer = await fetch(`${master.origin}/api/v1/cluster/backup`, {
      headers: { authorization: `Bearer ${cluster.token()}` }
    })
    if (answer.status !== 200) throw new Error(`the backup answered ${answer.status}`)
    let bytes = 0
    for await (const part of answer.body!) bytes += part.length
    return bytes
  })

const program = Effect.gen(function* () {
  const cluster = yield* startCluster([{}])
  const first = cluster.masters()[0]!
  const api = cluster.api(first)
  const workspaceId = yield* workspace(api)
  const ids: Array<string> = []
  const filling = performance.now()
  yield* inTurns(cluster, resources, (number) =>
    Effect.map(api.expect(201, "POST", "/api/v1/upstreams", upstream(workspaceId, number)), ({ id }) => ids.push(id))
  )
  const filled = seconds(filling)

  yield* first.stop
  const starting = performance.now()
  yield* first.start
  yield* first.ready
  const started = seconds(starting)

  const rows = [["", "took", "slowest answer of the leader"]]
  rows.push(yield* watched(first, "an empty master joins, until it is ready", cluster.add()))
  rows.push(
    yield* watched(
      first,
      "another joins, until all of them vote",
      cluster.add().pipe(Effect.andThen(cluster.settled(patienceMillis)))
    )
  )

  const third = cluster.masters()[2]!
  yield* third.stop
  const leader = yield* cluster.leader
  yield* inTurns(cluster, resources, (number) =>
    cluster.api(leader).expect(200, "PATCH", `/api/v1/upstreams/${ids[number]}`, { keepalive_connections: 7 })
  )
  const snapshots = yield* metric(leader, "nxmesh_raft_snapshots_taken_total")
  rows.push(
    yield* watched(
      leader,
      `one returns after ${resources} changes`,
      Effect.andThen(third.start, cluster.settled(patienceMillis))
    )
  )
  const installed = yield* metric(third, "nxmesh_raft_snapshots_installed_total")
  let copied = 0
  rows.push(
    yield* watched(
      leader,
      "a backup",
      Effect.map(backup(cluster, leader), (bytes) => (copied = bytes))
    )
  )

  const view = yield* Effect.orDie(cluster.view(leader))
  const bytes = view.masters.map(({ disk }) => (disk === null ? "?" : mebibytes(disk.data_bytes)))
  process.stdout.write(
    `${resources} upstreams, made in ${filled} by ${clients} clients; a restart until ready: ${started}\n` +
      `data directories ${bytes.join(", ")}; the backup has ${mebibytes(copied)}; resident ` +
      `${cluster
        .masters()
        .map((master) => mebibytes(residentKibibytes(master.program().pid) * 1_024))
        .join(", ")}\n` +
      `the leader made ${snapshots} snapshots before one returned, which got ${installed}\n\n${table(rows)}\n`
  )
})

await Effect.runPromise(Effect.scoped(program).pipe(Effect.provideService(References.MinimumLogLevel, "Error")))
