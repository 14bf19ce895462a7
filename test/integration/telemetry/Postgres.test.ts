import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startPostgres } from "../../support/Postgres.ts"

describe("The PostgreSQL of tests", () => {
  it.live("keeps what was committed before it was killed", () =>
    Effect.gen(function* () {
      const postgres = yield* startPostgres
      yield* postgres.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (7)")
      yield* postgres.kill
      yield* postgres.start
      assert.strictEqual(yield* postgres.sql("SELECT a FROM t"), "7")
    })
  )
})
