/** Reading the whole state finds what no change put there, and says so whatever is applied meanwhile (rule 12). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync } from "node:fs"
import { openConnection } from "../../../src/state/Connection.ts"
import { Database } from "../../../src/state/Database.ts"
import { fullCheck } from "../../../src/state/digest/FullCheck.ts"
import { digestDifference } from "../../../src/state/digest/RowDigest.ts"
import { correctDigest, fullDigest, stateDigest } from "../../../src/state/digest/StateDigest.ts"
import { applyAt, imageOf, inState, machineOf, snapshotOf } from "../replica/TestState.ts"
import { saveOrganization, temporaryDirectory } from "../TestMaster.ts"

describe("the check of the whole state (rule 12)", () => {
  it.live("finds a row that was changed behind apply's back, and leaves nothing behind", () =>
    Effect.flatMap(temporaryDirectory, (directory) =>
      Effect.gen(function* () {
        const machine = yield* machineOf
        const database = yield* Database
        applyAt(machine, 5, [saveOrganization(1), saveOrganization(2)])
        const before = readdirSync(database.states.directory).toSorted()
        const right = yield* fullCheck(database)
        assert.strictEqual(right.index, 5)
        assert.strictEqual(right.found, right.kept)
        const other = openConnection(database.file, { readOnly: false, busyMillisMax: 1_000 })
        other.run("UPDATE organizations SET name = 'planted' WHERE slug = 'organization-1'")
        other.close()
        const { found, kept } = yield* fullCheck(database)
        assert.strictEqual(kept, right.kept)
        assert.notStrictEqual(found, kept)
        applyAt(machine, 6, [saveOrganization(3)])
        correctDigest(database.writer, digestDifference(kept, found))
        assert.strictEqual(stateDigest(database.reader), fullDigest(database.reader))
        const after = readdirSync(database.states.directory).toSorted()
        assert.deepStrictEqual(after, before)
      }).pipe(inState(directory))
    )
  )

  it.live("a state that was taken from another master brings its digest, and it is kept from there on", () =>
    Effect.gen(function* () {
      const content = yield* Effect.gen(function* () {
        const machine = yield* machineOf
        applyAt(machine, 5, [saveOrganization(1)])
        return yield* snapshotOf
      }).pipe(inState(yield* temporaryDirectory))
      yield* Effect.gen(function* () {
        const machine = yield* machineOf
        const database = yield* Database
        applyAt(machine, 2, [saveOrganization(9)])
        yield* machine.restore(imageOf(5, content))
        applyAt(machine, 6, [saveOrganization(2)])
        const { found, kept } = yield* fullCheck(database)
        assert.strictEqual(found, kept)
      }).pipe(inState(yield* temporaryDirectory))
    })
  )
})
