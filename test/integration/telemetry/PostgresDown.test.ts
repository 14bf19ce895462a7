import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { valuesOf } from "../../../packages/master/test/telemetry/TelemetryContract.ts"
import {
  a,
  b,
  batch,
  entry,
  happened,
  health,
  logs,
  metrics
} from "../../../packages/master/test/telemetry/TelemetryReports.ts"
import { startPostgres } from "../../support/Postgres.ts"
import { until } from "../../support/Wait.ts"
import { startStore } from "./PostgresFixture.ts"

/** Sooner than an agent does. */
const retrying = Schedule.spaced("50 millis")

const up = (isUp: boolean) => (text: string) => text.includes(`nxmesh_master_telemetry_up ${isUp ? 1 : 0}\n`)

describe("Telemetry in Postgres", { timeout: 120_000 }, () => {
  it.live("arrives once on all masters together, whatever is killed in between", () =>
    Effect.gen(function* () {
      const postgres = yield* startPostgres
      // Both make the tables at once.
      const [one, two] = yield* Effect.all([startStore(postgres.url), startStore(postgres.url)])
      const first = batch([entry(1, "logs", logs("first"))])
      yield* Effect.all([one.store.take(a, first), two.store.take(a, first)], { concurrency: "unbounded" })

      // An agent offers its batches until they are taken, to one master and then to the other.
      const offering = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 40 }, (_, index) => index + 2),
          (sequence) => {
            const next = batch([
              entry(sequence, "logs", logs(`line ${sequence}`)),
              entry(1_000 + sequence, "metrics", metrics(sequence))
            ])
            const oneOf = { ...next, outbox_id: `of ${sequence}` }
            const offer = (sequence % 2 === 0 ? one : two).store.take(b, oneOf)
            return Effect.retry(offer, { schedule: retrying })
          }
        )
      )
      yield* until(valuesOf(one, "SELECT count(*) AS count FROM error_logs"), ([count]) => Number(count) > 5, {
        fact: "some are there"
      })
      yield* postgres.kill
      yield* one.store.record([happened("while it was down", 7)])
      yield* one.store.note(a, "health", health(3))
      yield* until(one.metrics, up(false), { fact: "the master knows that it is down" })
      assert.include(
        (yield* one.warnings).join(),
        "cannot be reached: is it up, and is database_url (DATABASE_URL) right?"
      )
      yield* until(one.metrics, (text) => text.includes("nxmesh_master_telemetry_waiting 2\n"), { fact: "both wait" })
      assert.strictEqual(
        (yield* Effect.flip(one.sql.query("SELECT 1", [], { rowsMax: 1, timeoutMillis: 5_000 }))).reason,
        "Unavailable"
      )

      yield* postgres.start
      yield* Fiber.join(offering)
      yield* until(one.metrics, up(true), { fact: "it works again" })
      yield* until(valuesOf(one, "SELECT text FROM events"), ({ length }) => length === 1, {
        fact: "the event is there"
      })
      assert.deepStrictEqual(yield* valuesOf(two, "SELECT count(*) AS count FROM health"), [1])
      const messages = yield* valuesOf(two, "SELECT message FROM error_logs ORDER BY id")
      assert.lengthOf(messages, 41)
      assert.strictEqual(new Set(messages).size, 41)
      assert.deepStrictEqual(yield* valuesOf(two, "SELECT count(*) AS count FROM metrics"), [40])
      assert.deepStrictEqual(yield* valuesOf(two, "SELECT count FROM metrics_hour"), [40])
      assert.deepStrictEqual(yield* one.warnings, [])
    })
  )

  it.live("says what is wrong with the setting, and refuses without harm", () =>
    Effect.gen(function* () {
      const postgres = yield* startPostgres
      const wrong = yield* startStore(postgres.url.replace("a%20password", "another"))
      const refused = yield* Effect.flip(wrong.store.take(a, batch([entry(1, "metrics", metrics(1))])))
      assert.match(refused.message, /^Postgres at 127\.0\.0\.1:\d+ refuses the user or the password: mend database_url/)
      assert.include((yield* wrong.warnings).join(), "telemetry cannot be kept, the configuration goes on")
      assert.notInclude(JSON.stringify([yield* wrong.warnings, refused.message]), "another")
    })
  )
})
