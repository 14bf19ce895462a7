/** What a master does when the masters' states were compared (rule 12). */
import { assert, describe, it } from "@effect/vitest"
import { Command, type CommandTag } from "@nxmesh/protocol/Command"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { spreadOf } from "../../src/cluster/FullStateCheck.ts"
import {
  agreedEntry,
  divergedGate,
  dueReport,
  freezeReason,
  isDiverged,
  ownDivergence,
  type StateCheckView,
  stateWarnings
} from "../../src/cluster/StateCheck.ts"

const id = (name: string) => name as MasterId
const masters = ["a", "b", "c"].map((name) => ({ id: id(name), name: `m-${name}` }))

/** As `a`, whose own note at entry 7 is `own`. */
const view = (
  reports: string,
  own: string | null = "1",
  entry = 7,
  fields: Partial<StateCheckView> = {}
): StateCheckView => ({
  self: id("a"),
  masters,
  checks: [
    {
      entry: 7,
      voters: masters.map((master) => master.id),
      reports: new Map(
        reports
          .split(" ")
          .filter((report) => report !== "")
          .map((report) => [id(report.slice(0, 1)), report.slice(1)])
      )
    }
  ],
  own: own === null ? undefined : { entry, digest: own },
  ...fields
})

describe("a master tells what it noted (rule 12)", () => {
  it("once, at the newest check", () => {
    assert.deepStrictEqual(dueReport(view("b1")), { entry: 7, digest: "1" })
    assert.isNull(dueReport(view("a1 b1")))
  })
  it("not when it was down at that entry, or is no member", () => {
    assert.isNull(dueReport(view("", null)))
    assert.isNull(dueReport(view("", "1", 6)))
    assert.isNull(dueReport(view("", "1", 7, { masters: masters.slice(1) })))
    assert.isNull(dueReport(view("", "1", 7, { checks: [] })))
  })
})

describe("a master that is odd (rule 12)", () => {
  it("knows it, and who is right", () => {
    assert.deepStrictEqual(ownDivergence(view("a1 b2 c2")), {
      entry: 7,
      ownDigest: "1",
      clusterDigest: "2",
      right: [id("b"), id("c")]
    })
  })
  it("is no other one, and nobody while there is no majority", () => {
    assert.isNull(ownDivergence(view("a1 b1 c2")))
    assert.isNull(ownDivergence(view("a1 b2 c3")))
    assert.isNull(ownDivergence(view("a1 b2")))
  })
  it("is not one that has taken the state of another since: the note came with it", () => {
    assert.isNull(ownDivergence(view("a1 b2 c2", "2")))
    assert.isNull(ownDivergence(view("a1 b2 c2", null)))
  })
})

describe("every master says how the states stand (rule 12)", () => {
  it("nothing while all agree", () => {
    assert.deepStrictEqual(stateWarnings(view("a1 b1 c1")), [])
    assert.isFalse(isDiverged(view("a1 b1")))
    assert.isFalse(isDiverged(view("")))
    assert.strictEqual(agreedEntry(view("a1 b1")), 7)
    assert.strictEqual(agreedEntry(view("a1")), 0)
  })
  it("who is odd, by name", () => {
    assert.match(stateWarnings(view("a1 b1 c2")).join(), /the state of m-c differs/)
    assert.isTrue(isDiverged(view("a1 b1 c2")))
    assert.isNull(freezeReason(view("a1 b1 c2")))
  })
  it("what to do when there is no majority", () => {
    assert.match(String(freezeReason(view("a1 b2 c3"))), /m-a \| m-b \| m-c.*nxmesh cluster remove/s)
    assert.isTrue(isDiverged(view("a1 b2 c3")))
    assert.strictEqual(stateWarnings(view("a1 b2 c3")).length, 1)
  })
})

describe("while nobody knows whose state is right (rule 12)", () => {
  const gate = divergedGate("why")
  const tags = Object.keys(Command.cases) as ReadonlyArray<CommandTag>
  it("people change nothing, not even by deleting", () => {
    for (const tag of tags.filter((name) => /^(Save|Delete|Enrol|Record(Dep|Agent))/.test(name))) {
      assert.include(gate(tag)?.message ?? "", "why", tag)
    }
  })
  it("an operator can log in and take masters out, and the checks go on", () => {
    for (const tag of [
      "StartSession",
      "RecordBackup",
      "RemoveMaster",
      "AdmitMaster",
      "CheckState",
      "ReportDigest"
    ] as const) {
      assert.isNull(gate(tag), tag)
    }
  })
})

it("masters read all of their state at different times", () => {
  assert.strictEqual(spreadOf("01a1febc-00d4-7575-a36f-6f7e00000000"), 0)
  assert.strictEqual(spreadOf("01a1febc-00d4-7575-a36f-6f7e80000000"), 0.5)
})
