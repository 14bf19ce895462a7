import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Limits } from "../../src/Limits.ts"
import * as Journal from "../../src/deploy/Journal.ts"
import { emptyState, fold, type JournalRecord } from "../../src/deploy/JournalRecord.ts"
import { attempt, outcome, served } from "./Samples.ts"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-deployments-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

const records: ReadonlyArray<JournalRecord> = [
  { _tag: "Based", served, sequence: 1 },
  { _tag: "Accepted", order: { epoch: 1, index: 7 } },
  {
    _tag: "Began",
    sequence: 2,
    open: {
      deploymentId: attempt.deploymentId,
      generation: attempt.generation,
      directory: attempt.directory,
      startedAt: outcome.started_at,
      step: "render"
    }
  },
  { _tag: "Stepped", step: "stage" },
  { _tag: "Stepped", step: "test" }
]

const stateAfter = (path: string) => Effect.scoped(Effect.map(Journal.open(path), (journal) => journal.state()))

describe("Journal", () => {
  it.effect("is the fold of its records after a restart", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* Effect.scoped(
        Effect.gen(function* () {
          const journal = yield* Journal.open(path)
          for (const record of records) yield* journal.record(record)
        })
      )
      const state = yield* stateAfter(path)
      assert.deepStrictEqual(state, records.reduce(fold, emptyState))
      assert.strictEqual(state.open?.step, "test")
    })
  )

  it.effect("keeps its state when it is folded into one line", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* Effect.scoped(
        Effect.gen(function* () {
          const journal = yield* Journal.open(path)
          for (const record of records) yield* journal.record(record)
          for (let line = 0; line < Limits.journalLinesMax; line += 1) {
            yield* journal.record({ _tag: "Stepped", step: "prove" })
          }
          yield* journal.record({ _tag: "Ended", served, outcome })
        })
      )
      const text = yield* Effect.promise(() => readFile(join(path, "deployments.journal"), "utf8"))
      assert.strictEqual(text.trim().split("\n").length, 1)
      assert.deepStrictEqual(yield* stateAfter(path), {
        order: { epoch: 1, index: 7 },
        sequence: 2,
        served,
        open: null,
        lastOutcome: outcome
      })
    })
  )

  it.effect("skips lines that it cannot read, and counts them", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* Effect.scoped(
        Effect.flatMap(Journal.open(path), (journal) => journal.record({ _tag: "Based", served, sequence: 1 }))
      )
      yield* Effect.promise(() => appendFile(join(path, "deployments.journal"), "00000000 {}\n"))
      const journal = yield* Journal.open(path)
      assert.strictEqual(journal.damagedLines, 1)
      assert.deepStrictEqual(journal.state().served, served)
    })
  )

  it.effect("is one process's: a second opening names the holder, and a dead holder's lock is taken over", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* Effect.promise(() => writeFile(join(path, "deployments.lock"), "2 1"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Journal.open(path)
          const error = yield* Effect.flip(Effect.scoped(Journal.open(path)))
          assert.strictEqual(error._tag, "JournalInUse")
          assert.include(error.message, `process ${process.pid}`)
        })
      )
      yield* Effect.scoped(Journal.open(path))
    })
  )
})

describe("the fold of the journal", () => {
  it("never lowers the order or the sequence", () => {
    const high = fold(emptyState, { _tag: "Accepted", order: { epoch: 2, index: 1 } })
    assert.deepStrictEqual(fold(high, { _tag: "Accepted", order: { epoch: 1, index: 9 } }).order, {
      epoch: 2,
      index: 1
    })
    const based = fold(emptyState, { _tag: "Based", served, sequence: 9 })
    assert.strictEqual(fold(based, { _tag: "Based", served, sequence: 3 }).sequence, 9)
  })

  it("ignores a step of no deployment", () => {
    assert.deepStrictEqual(fold(emptyState, { _tag: "Stepped", step: "swap" }), emptyState)
  })
})
