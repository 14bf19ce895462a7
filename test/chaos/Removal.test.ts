/** A master that was removed while it was away hears of it from the others when it is back, and ends. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCluster } from "../support/Cluster.ts"
import { until } from "../support/Wait.ts"

describe("a master that was removed while it was down", () => {
  it.live(
    "ends with an exit code of its own, and says what to do",
    () =>
      Effect.gen(function* () {
        const cluster = yield* startCluster([{}, {}, {}])
        const leader = yield* cluster.leader
        const gone = cluster.masters().find(({ name }) => name !== leader.name)
        if (gone === undefined) return assert.fail("there is no other master")
        const { masters } = yield* Effect.orDie(cluster.view(leader))
        const id = masters.find(({ name }) => name === gone.name)?.id
        yield* gone.kill
        yield* cluster.api(leader).expect(204, "DELETE", `/api/v1/cluster/masters/${id}`)
        yield* gone.start
        const code = yield* until(
          Effect.sync(() => gone.program().ended()),
          (ended) => ended !== null,
          { fact: "the removed master has ended", timeoutMillis: 60_000 }
        )
        assert.strictEqual(code, 3)
        assert.match(gone.program().output(), /was removed from its cluster and stops/)
      }),
    240_000
  )
})
