/** What apply remembers of the checks of the masters' states (rule 12). */
import { assert, describe, it } from "@effect/vitest"
import type { Command } from "@nxmesh/protocol/Command"
import { Effect } from "effect"
import { Database } from "../../src/state/Database.ts"
import { fullDigest } from "../../src/state/digest/StateDigest.ts"
import { Reads } from "../../src/state/Reads.ts"
import { admit, description, initialise, masterId } from "./TestCluster.ts"
import { hash, onMaster, rejected, submit } from "./TestMaster.ts"

const versions = { cluster_versions: { lowest: 1, highest: 2 } }

const clusterOf = Effect.fnUntraced(function* (count: number, cluster_version = 2) {
  yield* submit({ ...initialise(description(1, versions)), cluster_version } as Command)
  for (let number = 2; number <= count; number += 1) {
    yield* submit(admit(number, { master: description(number, versions) }))
  }
})

const check = Effect.map(submit({ _tag: "CheckState" }), ({ index }) => index)

const report = (entry: number, number: number, digit: string) =>
  submit({ _tag: "ReportDigest", entry, master_id: masterId(number), digest: hash(digit) })

const found = Reads.use(({ stateChecks }) => stateChecks)

describe("a check of the masters' states (rule 12)", () => {
  it.effect("notes this master's digest as it was before the entry, and names who votes", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(3)
        yield* submit({ _tag: "SetMasterVoting", id: masterId(3), voter: false })
        const digest = fullDigest((yield* Database).reader)
        const entry = yield* check
        const { checks, own } = yield* found
        assert.deepStrictEqual(own, { entry, digest })
        assert.deepStrictEqual(checks, [{ entry, voters: [masterId(1), masterId(2)], reports: new Map() }])
      })
    )
  )

  it.effect("takes each member's first word, and none about a check that is forgotten", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(2)
        const entry = yield* check
        yield* report(entry, 1, "a")
        yield* report(entry, 1, "b")
        yield* report(entry, 9, "a")
        yield* report(entry + 100, 2, "a")
        const { checks } = yield* found
        assert.deepStrictEqual([...(checks[0]?.reports ?? [])], [[masterId(1), hash("a")]])
      })
    )
  )

  it.effect("is remembered while no later one says anything, and leaves no trace in the audit", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(3)
        const split = yield* check
        for (const number of [1, 2, 3]) yield* report(split, number, String(number))
        for (let count = 0; count < 3; count += 1) yield* report(yield* check, 1, "a")
        const undecided = yield* found
        assert.deepStrictEqual(
          undecided.checks.map(({ entry }) => entry),
          [split, undecided.own?.entry]
        )
        const agreed = yield* check
        for (const number of [1, 2, 3]) yield* report(agreed, number, "a")
        const last = yield* check
        assert.deepStrictEqual(
          (yield* found).checks.map(({ entry }) => entry),
          [agreed, last]
        )
        const { reader } = yield* Database
        assert.deepStrictEqual(
          reader.all("SELECT command FROM audit WHERE command IN ('CheckState', 'ReportDigest')"),
          []
        )
      })
    )
  )

  it.effect("there is none before cluster version 2 (rule 6)", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(2, 1)
        assert.deepStrictEqual((yield* found).checks, [])
        assert.strictEqual((yield* rejected({ _tag: "CheckState" })).code, "UNPROCESSABLE")
        yield* submit({ _tag: "SetClusterVersion", version: 2 })
        yield* check
        assert.strictEqual((yield* found).checks.length, 1)
      })
    )
  )
})
