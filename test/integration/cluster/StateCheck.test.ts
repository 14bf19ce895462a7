/**
 * Goal: a master whose state is not that of the others is found, stops, and comes back with theirs (rule 12). Method: three
 * real masters, and rows that are changed behind apply's back in the database of one.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ClusterMaster, startCluster, type TestCluster } from "../../support/Cluster.ts"
import type { Method } from "../../support/Api.ts"
import { until } from "../../support/Wait.ts"

const idOf = ({ dataDirectory }: ClusterMaster): string =>
  JSON.parse(readFileSync(join(dataDirectory, "node.json"), "utf8")).node_id

/** As an operator might, or a disk: the master does not hear of it. */
const plant = (master: ClusterMaster, name: string): void => {
  const directory = join(master.dataDirectory, "state")
  const file = join(directory, readFileSync(join(directory, "CURRENT"), "utf8").trim())
  const database = new DatabaseSync(file, { timeout: 5_000 })
  database.exec(`UPDATE workspaces SET name = '${name}'`)
  database.close()
}

const endsBy = (master: ClusterMaster, code: number) =>
  until(Effect.sync(master.program().ended), (ended) => ended !== null, {
    fact: `${master.name} ended`,
    timeoutMillis: 60_000
  }).pipe(Effect.map((ended) => assert.strictEqual(ended, code, master.program().output().slice(-4_000))))

const isDiverged = (master: ClusterMaster, is: boolean) =>
  until(
    Effect.promise(async () => (await fetch(`${master.origin}/metrics`)).text()),
    (text) => text.includes(`nxmesh_cluster_state_diverged ${Number(is)}\n`),
    { fact: `${master.name} says that the states ${is ? "differ" : "agree"}`, timeoutMillis: 60_000 }
  )

/** At whichever master leads; a busy machine may hold elections meanwhile. */
const done = (
  cluster: TestCluster,
  /** Any of these. */
  statuses: ReadonlyArray<number>,
  method: Method,
  path: string,
  body?: unknown
) =>
  until(
    Effect.flatMap(cluster.leader, (leader) => cluster.api(leader).request(method, path, body)),
    ({ status }) => statuses.includes(status),
    { fact: `${method} ${path} answers ${statuses.join(" or ")}`, timeoutMillis: 60_000, everyMillis: 500 }
  ).pipe(Effect.map(({ body: answered }) => answered?.data))

const tenant = Effect.fnUntraced(function* (cluster: TestCluster) {
  const organization = yield* done(cluster, [201], "POST", "/api/v1/organizations", { name: "Acme", slug: "acme" })
  const path = `/api/v1/organizations/${organization.id}/workspaces`
  const made = yield* done(cluster, [201], "POST", path, { name: "first", slug: "first" })
  return String(made.id)
})

/** Every master reads the row that it has, and writes the new one. */
const rename = (cluster: TestCluster, id: string, name: string) =>
  done(cluster, [200], "PATCH", `/api/v1/workspaces/${id}`, { name })

/** It ended because of its state; it comes back under another id, and all masters agree. */
const comesBack = Effect.fnUntraced(function* (cluster: TestCluster, master: ClusterMaster) {
  const before = idOf(master)
  yield* endsBy(master, 4)
  assert.include(master.program().output(), "differs from that of a majority")
  assert.isTrue(existsSync(join(master.dataDirectory, "diverged.json")))
  yield* master.start
  yield* master.ready
  yield* cluster.settled()
  assert.notStrictEqual(idOf(master), before)
  yield* isDiverged(yield* cluster.leader, false)
})

/** It ends by itself, when the others go on without it. */
const takeOut = Effect.fnUntraced(function* (cluster: TestCluster, master: ClusterMaster) {
  yield* done(cluster, [204, 404], "DELETE", `/api/v1/cluster/masters/${idOf(master)}`)
  yield* endsBy(master, 3)
})

const interval = { NXMESH_STATE_CHECK_INTERVAL: "1s" }

describe("masters compare their states (rule 12)", () => {
  it.live(
    "an odd one stops and takes the others' state, a leader hands over first, and without a majority changes are refused",
    () =>
      Effect.gen(function* () {
        const cluster = yield* startCluster([
          { environment: interval },
          { environment: interval },
          { environment: { ...interval, NXMESH_STATE_FULL_CHECK_INTERVAL: "4s" } }
        ])
        const [, , third] = cluster.masters() as [ClusterMaster, ClusterMaster, ClusterMaster]
        const id = yield* tenant(cluster)
        const others = (master: ClusterMaster) => cluster.masters().filter((other) => other !== master)

        // A follower, whose row is read when it is changed.
        const first = yield* cluster.leader
        const follower = others(first).find((master) => master !== third) ?? first
        plant(follower, "planted")
        yield* rename(cluster, id, "second")
        yield* comesBack(cluster, follower)
        assert.isNull(first.program().ended())

        // The leader.
        const leader = yield* cluster.leader
        const { term } = yield* Effect.orDie(cluster.view(leader))
        plant(leader, "planted")
        yield* rename(cluster, id, "third")
        yield* endsBy(leader, 4)
        assert.isAbove((yield* Effect.orDie(cluster.view(others(leader)[0]!))).term, term)
        yield* comesBack(cluster, leader)

        // A row that nobody touches: it is found when the whole state is read.
        plant(third, "planted")
        yield* comesBack(cluster, third)
        const { name } = yield* cluster.api(third).expect(200, "GET", `/api/v1/workspaces/${id}?consistency=stale`)
        assert.strictEqual(name, "third")

        // Three states: nobody knows whose is right.
        const [one, two] = others(third) as [ClusterMaster, ClusterMaster]
        plant(one, "planted by one")
        plant(two, "planted by two")
        yield* rename(cluster, id, "fourth")
        for (const master of cluster.masters()) {
          yield* isDiverged(master, true)
          for (const [method, path] of [
            ["POST", "/api/v1/organizations"],
            ["DELETE", `/api/v1/workspaces/${id}`]
          ] as const) {
            const refused = yield* cluster.api(master).request(method, path, { name: "no", slug: "no" })
            assert.strictEqual(refused.status, 503)
            assert.include(JSON.stringify(refused.body), "the states of the masters differ")
          }
          yield* until(
            cluster.api(master).expect(200, "GET", "/api/v1/cluster?consistency=stale"),
            ({ advice }) => JSON.stringify(advice).includes("nxmesh cluster remove"),
            { fact: "it says what to do", timeoutMillis: 30_000 }
          )
        }

        // The operator decides.
        for (const master of [one, two]) yield* takeOut(cluster, master)
        yield* isDiverged(third, false)
        yield* done(cluster, [201], "POST", "/api/v1/organizations", { name: "Yes", slug: "yes" })
        yield* cluster.add({ environment: interval })
        yield* until(
          cluster.view(third),
          ({ masters }) => masters.length === 2 && masters.every(({ role }) => role === "leader" || role === "voter"),
          { fact: "another one votes", timeoutMillis: 90_000, everyMillis: 200 }
        )
        yield* isDiverged(third, false)
      }),
    600_000
  )
})
