/** What comes back from Raft, and what never gets there. */
import { assert, describe, it } from "@effect/vitest"
import { CommandError, commandErrorOf, isTransient } from "@nxmesh/master/command/CommandError"
import { Commands } from "@nxmesh/master/command/Commands"
import { WriteGate, WritesRefused } from "@nxmesh/master/command/WriteGate"
import { CommandId } from "@nxmesh/protocol/Ids"
import { OutcomeUnknown, type RefusalReason, RequestRefused } from "@nxmesh/raft/node/RequestError"
import { Effect } from "effect"
import { Reads } from "../../src/state/Reads.ts"
import { onMaster, rejected, saveOrganization, submit } from "../state/TestMaster.ts"

const id = CommandId.make("0197c0de-0000-7000-8000-000000000001")
const refused = (reason: RefusalReason) => commandErrorOf(new RequestRefused({ reason, leader: null }), id)

describe("what Raft answers", () => {
  it.each([
    ["NotLeader", "NoLeader", true],
    ["LeadershipLost", "NoLeader", true],
    ["TransferInProgress", "NoLeader", true],
    ["TimedOut", "NoLeader", true],
    ["TooMuchUncommitted", "Busy", true],
    ["TooMuchUnapplied", "Busy", true],
    ["SessionExpired", "Busy", true],
    ["LogFull", "LogFull", false],
    ["TooLarge", "TooLarge", false],
    ["Stopped", "Stopping", false]
  ] as const)("%s is %s for who gave the command", (reason, expected, transient) => {
    const error = refused(reason)
    assert.strictEqual(error.reason._tag, expected)
    assert.strictEqual(isTransient(error), transient)
  })

  it("an unknown outcome names the command", () => {
    const error = commandErrorOf(new OutcomeUnknown({ reason: "TimedOut" }), id)
    assert.include(error.message, id)
    assert.isFalse(isTransient(error))
  })
})

describe("what is not proposed", () => {
  it.effect("rule 8: a command of a term in which this master does not lead", () =>
    onMaster(
      Effect.gen(function* () {
        assert.isAbove((yield* submit(saveOrganization(1), { fence: { term: 1 } })).index, 0)
        const before = yield* Reads.use((reads) => reads.appliedIndex)
        const rejection = yield* rejected(saveOrganization(2), { fence: { term: 2 } })
        assert.strictEqual(rejection.code, "CONFLICT")
        assert.strictEqual(yield* Reads.use((reads) => reads.appliedIndex), before)
      })
    )
  )

  it.effect("what the gate refuses, until it opens", () =>
    onMaster(
      Effect.gen(function* () {
        const gate = yield* WriteGate
        const reason = "the disk is full"
        yield* gate.set("test", (tag) => (tag === "SaveOrganization" ? new WritesRefused({ reason }) : null))
        const error = yield* Effect.flip(submit(saveOrganization(1)))
        assert.isTrue(error instanceof CommandError && error.reason._tag === "WritesRefused")
        assert.include(error.message, reason)
        yield* gate.set("test", null)
        yield* submit(saveOrganization(1))
        const { caughtUp, problem } = yield* Commands
        yield* caughtUp
        assert.isNull(yield* problem)
      })
    )
  )
})
