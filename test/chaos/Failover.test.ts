import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCluster } from "../support/Cluster.ts"
import { until } from "../support/Wait.ts"

/** Three masters start one after the other, and a promotion waits until it is stable. */
const timeoutMillis = 180_000

const organizations = "/api/v1/organizations"

describe("three masters", () => {
  it.live(
    "are one cluster that writes on when its leader is killed, and has lost nothing when it is back",
    () =>
      Effect.gen(function* () {
        const cluster = yield* startCluster([{}, {}, {}])
        const [first, second, third] = cluster.masters()
        assert.lengthOf(cluster.masters(), 3)

        const made = yield* cluster.api(second!).expect(201, "POST", organizations, { name: "acme", slug: "acme" })
        const seen = yield* cluster.api(third!).expect(200, "GET", `${organizations}/${made.id}`)
        assert.deepStrictEqual(seen, made)

        const leader = yield* cluster.leader
        yield* leader.kill
        const next = yield* cluster.leader
        assert.notStrictEqual(next.name, leader.name)
        const after = yield* cluster.api(next).expect(201, "POST", organizations, { name: "after", slug: "after" })

        yield* leader.start
        yield* leader.ready
        yield* cluster.settled()
        for (const master of [first!, second!, third!]) {
          for (const { id } of [made, after]) {
            yield* cluster.api(master).expect(200, "GET", `${organizations}/${id}?consistency=stale`)
          }
        }
      }),
    timeoutMillis
  )

  it.live(
    "take a fourth, and go on without one that is removed",
    () =>
      Effect.gen(function* () {
        const cluster = yield* startCluster([{}, {}, {}])
        const [first] = cluster.masters()
        yield* cluster.remove(first!)
        yield* cluster.add()
        yield* cluster.settled()
        const asked = yield* cluster.leader
        yield* cluster.api(asked).expect(201, "POST", organizations, { name: "acme", slug: "acme" })
        const view = yield* Effect.orDie(cluster.view(asked))
        assert.deepStrictEqual(
          view.masters.map(({ name }) => name).toSorted(),
          cluster
            .masters()
            .map(({ name }) => name)
            .toSorted()
        )
        yield* until(cluster.view(asked), ({ leader_id }) => leader_id !== null, { fact: "it has a leader" })
      }),
    timeoutMillis
  )
})
