/** Goal: a member whose log or state is wrong or lost takes its own place anew. Method: three real masters. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ClusterMaster, startCluster, type TestCluster } from "../../support/Cluster.ts"
import { program } from "../../support/Program.ts"
import { until } from "../../support/Wait.ts"

const idOf = ({ dataDirectory }: ClusterMaster): string =>
  JSON.parse(readFileSync(join(dataDirectory, "node.json"), "utf8")).node_id

const asides = ({ dataDirectory }: ClusterMaster) =>
  readdirSync(dataDirectory).filter((name) => /^(diverged|replaced)/.test(name))

const filesBelow = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())

const organizations = (cluster: TestCluster, master: ClusterMaster) =>
  Effect.map(cluster.api(master).expect(200, "GET", "/api/v1/organizations"), (found) =>
    (found as ReadonlyArray<{ readonly slug: string }>).map(({ slug }) => slug).toSorted()
  )

const write = (cluster: TestCluster, slug: string) =>
  Effect.flatMap(cluster.leader, (leader) =>
    cluster.api(leader).expect(201, "POST", "/api/v1/organizations", { name: slug, slug })
  )

/** It votes again under another id, has what was written meanwhile, and its name is the old one's. */
const isBack = Effect.fnUntraced(function* (
  cluster: TestCluster,
  master: ClusterMaster,
  before: string,
  slugs: ReadonlyArray<string>
) {
  yield* master.ready
  yield* cluster.settled()
  const after = idOf(master)
  assert.notStrictEqual(after, before)
  const view = yield* Effect.orDie(cluster.view(master))
  assert.strictEqual(view.masters.length, 3)
  assert.strictEqual(view.masters.find(({ name }) => name === master.name)?.id, after)
  assert.deepStrictEqual(yield* organizations(cluster, master), slugs.toSorted())
  for (const name of ["rejoining.json", "joining.json", "diverged.json"]) {
    assert.isFalse(existsSync(join(master.dataDirectory, name)), `${name} is gone`)
  }
})

const askForRejoin = Effect.fnUntraced(function* ({ dataDirectory }: ClusterMaster) {
  const asked = yield* program({
    path: "packages/master/src/main.ts",
    arguments: ["--rejoin"],
    environment: { NXMESH_DATA_DIR: dataDirectory }
  })
  const code = yield* until(Effect.sync(asked.ended), (ended) => ended !== null, {
    fact: "the program has ended",
    timeoutMillis: 60_000
  })
  return { code, output: asked.output() }
})

describe("a member takes its own place anew (rules 2 and 12)", () => {
  it.live(
    "after its state diverged, its log was damaged, or its log was lost, wherever its start is cut short, and not once it was removed",
    () =>
      Effect.gen(function* () {
        const cluster = yield* startCluster([{}, {}, {}])
        yield* write(cluster, "first")

        // A check found the leader's state to be another one.
        const diverged = yield* cluster.leader
        const divergedId = idOf(diverged)
        yield* diverged.kill
        writeFileSync(join(diverged.dataDirectory, "diverged.json"), JSON.stringify({ index: 7 }))
        yield* write(cluster, "second")
        for (const step of ["rejoining.json", "diverged-7/state", "joining.json"]) {
          yield* diverged.start
          yield* until(
            Effect.sync(() => existsSync(join(diverged.dataDirectory, step))),
            (there) => there,
            { fact: `${step} is there`, everyMillis: 1, timeoutMillis: 60_000 }
          )
          yield* diverged.kill
        }
        yield* diverged.start
        yield* isBack(cluster, diverged, divergedId, ["first", "second"])
        assert.deepStrictEqual(asides(diverged), ["diverged-7"])
        assert.include(readdirSync(join(diverged.dataDirectory, "diverged-7", "state")), "CURRENT")

        // Its disk lost half of both.
        const damagedId = idOf(diverged)
        const running = yield* askForRejoin(diverged)
        assert.strictEqual(running.code, 1)
        assert.include(running.output, "in use by another nxmesh-master")
        yield* diverged.stop
        for (const name of ["raft", "state"]) {
          for (const file of filesBelow(join(diverged.dataDirectory, name))) truncateSync(file, 10)
        }
        yield* write(cluster, "third")
        const asked = yield* askForRejoin(diverged)
        assert.strictEqual(asked.code, 0, asked.output)
        yield* diverged.start
        yield* isBack(cluster, diverged, damagedId, ["first", "second", "third"])
        assert.deepStrictEqual(asides(diverged), ["replaced"], "one is kept")

        // Without its log it must not vote again as who it was.
        const [lost] = cluster.masters().filter(({ name }) => name !== diverged.name)
        if (lost === undefined) return assert.fail("there is no other master")
        const lostId = idOf(lost)
        yield* lost.kill
        rmSync(join(lost.dataDirectory, "raft"), { recursive: true })
        yield* lost.start
        yield* isBack(cluster, lost, lostId, ["first", "second", "third"])
        assert.strictEqual(new Set(cluster.masters().map(idOf)).size, 3)

        // One that was removed has no place to take.
        yield* cluster.remove(lost)
        rmSync(join(lost.dataDirectory, "raft"), { recursive: true })
        yield* lost.start
        const code = yield* until(
          Effect.sync(() => lost.program().ended()),
          (ended) => ended !== null,
          { fact: "the removed master has ended", timeoutMillis: 60_000 }
        )
        assert.strictEqual(code, 3)
        assert.match(lost.program().output(), /was removed from this cluster.*Empty this master's data directory/)
      }),
    600_000
  )
})
