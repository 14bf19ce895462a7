/** What Raft asks of a state machine (raft/node/StateMachine.ts), asked of the state. */
import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { Command, Outcome } from "@nxmesh/protocol/Command"
import { Effect, Exit, Queue } from "effect"
import { Database } from "../../../src/state/Database.ts"
import { Events } from "../../../src/state/Events.ts"
import { Reads } from "../../../src/state/Reads.ts"
import { ReplicatedState } from "../../../src/state/ReplicatedState.ts"
import { organization } from "../../config/Fixtures.ts"
import { hash, saveAgent, saveOrganization, saveWorkspace, temporaryDirectory, update } from "../TestMaster.ts"
import { applyAt, applyBytes, dump, inState, machineOf, noChanges, proposalOf } from "./TestState.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const codes = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> =>
  outcomes.map((outcome) => (outcome._tag === "Accepted" ? "accepted" : outcome.rejection.code))
const answered = (session: number, serial: number, result: string | null) => ({
  session,
  serial,
  result: result === null ? null : bytes(result)
})

const onState = <A, E, R>(use: Effect.Effect<A, E, R>) =>
  Effect.flatMap(temporaryDirectory, (directory) => inState(directory)(use))

const thrownBy = (action: () => unknown): unknown => {
  try {
    return action()
  } catch (cause) {
    return cause
  }
}

const organizationNamed = Effect.map(
  Effect.flatMap(Reads, (reads) => reads.get("organization", organization(1))),
  (found) => found?.name
)

describe("the state as Raft's state machine", () => {
  it.effect("is empty at first", () =>
    onState(
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* machineOf).load(), { applied: 0, sessions: [] })
        assert.strictEqual((yield* ReplicatedState).appliedIndex(), 0)
      })
    )
  )

  it.effect("executes commands in their order, and answers each with its outcome", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        const outcomes = applyAt(machine, 9, [
          saveOrganization(1),
          saveOrganization(1),
          saveOrganization(1, update(7), { name: "Second" })
        ])
        assert.deepStrictEqual(codes(outcomes), ["accepted", "CONFLICT", "accepted"])
        assert.deepStrictEqual(
          outcomes.map(({ index }) => index),
          [7, 8, 9]
        )
        assert.strictEqual(yield* organizationNamed, "Second")
        assert.strictEqual((yield* ReplicatedState).appliedIndex(), 9)
      })
    )
  )

  it.effect("keeps rows, index and sessions when it is opened again", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const before = yield* inState(directory)(
        Effect.gen(function* () {
          const changes = {
            ...noChanges,
            used: [{ session: 3, lastUsed: 9, acknowledged: 2 }],
            answered: [answered(3, 5, ""), answered(3, 2, "two"), answered(3, 4, null)]
          }
          applyAt(yield* machineOf, 9, [saveOrganization(1)], { changes })
          return yield* dump
        })
      )
      yield* inState(directory)(
        Effect.gen(function* () {
          const answers = [answered(3, 2, "two"), answered(3, 4, null), answered(3, 5, "")].map(
            ({ result, serial }) => ({ serial, result })
          )
          assert.deepStrictEqual((yield* machineOf).load(), {
            applied: 9,
            sessions: [{ session: 3, lastUsed: 9, acknowledged: 2, answers }]
          })
          assert.deepStrictEqual(yield* dump, before)
        })
      )
    })
  )

  it.effect("moves its index for entries that are no commands, and takes them in any number between commands", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        applyAt(machine, 4, [])
        assert.strictEqual(machine.load().applied, 4)
        assert.deepStrictEqual(codes(applyAt(machine, 20, [saveOrganization(1)])), ["accepted"])
        machine.apply({ commands: [], last: { index: 25, term: 3 }, sessionChanges: () => noChanges })
        assert.strictEqual((yield* ReplicatedState).appliedIndex(), 25)
        assert.strictEqual(yield* organizationNamed, "Organization 1")
      })
    )
  )

  it.effect("refuses an entry that it has applied already, and stores nothing of the batch", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        applyAt(machine, 5, [saveOrganization(1)])
        assert.include(
          String(thrownBy(() => applyAt(machine, 6, [saveOrganization(2), saveOrganization(3)]))),
          "does not follow 5"
        )
        assert.strictEqual(machine.load().applied, 5)
        assert.isUndefined(yield* Effect.flatMap(Reads, (reads) => reads.get("organization", organization(3))))
      })
    )
  )

  it.effect("forgets answers and sessions when it is told to", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        const used = [1, 2].map((session) => ({ session, lastUsed: session, acknowledged: 1 }))
        const first = [answered(1, 1, "a"), answered(1, 2, "b"), answered(2, 1, "c")]
        applyAt(machine, 2, [], { changes: { ...noChanges, used, answered: first } })
        applyAt(machine, 3, [], { changes: { ...noChanges, used, answered: [answered(1, 3, "d")] } })
        applyAt(machine, 4, [], {
          changes: {
            expired: [2],
            used: [{ session: 1, lastUsed: 4, acknowledged: 2 }],
            forgotten: [{ session: 1, below: 2 }],
            answered: [answered(1, 4, "e")]
          }
        })
        const answers = ["b", "d", "e"].map((text, i) => ({ serial: i + 2, result: bytes(text) }))
        assert.deepStrictEqual(machine.load().sessions, [{ session: 1, lastUsed: 4, acknowledged: 2, answers }])
      })
    )
  )

  it.effect("answers no questions, and changes nothing for one", () =>
    onState(
      Effect.gen(function* () {
        assert.include(new TextDecoder().decode((yield* machineOf).query(bytes("?"))), "through their API")
      })
    )
  )
})

describe("rule 3: the leader's time", () => {
  it.effect("never goes back, whatever clocks do", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        const save = (index: number, millis: number) => applyAt(machine, index, [saveOrganization(index)], { millis })
        save(1, 5_000)
        save(2, 3_000)
        save(3, 6_000)
        const { reader } = yield* Database
        const times = reader.all<{ at: string }>("SELECT at FROM audit ORDER BY entry").map(({ at }) => Date.parse(at))
        assert.deepStrictEqual(times, [5_000, 5_000, 6_000])
      })
    )
  )

  it.effect("holds over a restart, and the proposer's own clock counts for nothing", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* inState(directory)(
        Effect.map(machineOf, (machine) => applyAt(machine, 1, [saveOrganization(1)], { millis: 9_000 }))
      )
      yield* inState(directory)(
        Effect.gen(function* () {
          const proposal = proposalOf(saveOrganization(2), { at_millis: 77_000 })
          applyAt(yield* machineOf, 2, [proposal], { millis: 4_000 })
          const { reader } = yield* Database
          assert.deepStrictEqual(reader.get("SELECT at FROM audit WHERE entry = 2"), { at: "1970-01-01T00:00:09.000Z" })
        })
      )
    })
  )
})

describe("rule 8: a command with a fence", () => {
  const fenced = (command: Command, term: number) => proposalOf(command, { fence: { term } })

  it.effect("is executed in its own term alone", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        const [late] = applyAt(machine, 1, [fenced(saveOrganization(1), 4)], { term: 5 })
        assert.deepInclude(late, { _tag: "Rejected", index: 1 })
        assert.deepInclude((late as Extract<Outcome, { _tag: "Rejected" }>).rejection, { code: "CONFLICT" })
        assert.deepStrictEqual(codes(applyAt(machine, 2, [fenced(saveOrganization(1), 6)], { term: 5 })), ["CONFLICT"])
        assert.isUndefined(yield* organizationNamed)
        assert.deepStrictEqual(codes(applyAt(machine, 3, [fenced(saveOrganization(1), 5)], { term: 5 })), ["accepted"])
      })
    )
  )

  it.effect("that is refused is neither audited nor remembered under its key", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        const idempotency = { key: "k", body_hash: hash("a") }
        const proposal = { ...fenced(saveOrganization(1), 4), idempotency }
        assert.deepStrictEqual(codes(applyAt(machine, 1, [proposal], { term: 5 })), ["CONFLICT"])
        const { reader } = yield* Database
        assert.deepStrictEqual(reader.all("SELECT entry FROM audit"), [])
        const again = { ...proposal, fence: { term: 5 } }
        assert.deepStrictEqual(codes(applyAt(machine, 2, [again], { term: 5 })), ["accepted"])
      })
    )
  )
})

describe("rule 5: what is no command", () => {
  it.effect("is refused on every master alike, counted, and the next one applies", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        const noProposals = ["", "{", "null", "[]", '{"command":{}}', '{"command":{"_tag":"SaveUser"}}', "\xff"].map(
          bytes
        )
        const outcomes = applyBytes(machine, 7, [...noProposals.slice(0, 6), Uint8Array.of(0xff)])
        assert.deepStrictEqual(new Set(codes(outcomes)), new Set(["INTERNAL_ERROR"]))
        assert.deepStrictEqual(codes(applyAt(machine, 8, [saveOrganization(1)])), ["accepted"])
        const text = yield* Effect.flatMap(Metrics, (metrics) => metrics.text)
        assert.include(text, "nxmesh_master_apply_defects_total 7")
        assert.include(text, 'nxmesh_master_commands_total{command="unreadable",outcome="INTERNAL_ERROR"} 7')
        assert.include(text, 'nxmesh_master_commands_total{command="SaveOrganization",outcome="accepted"} 1')
        assert.include(text, "nxmesh_master_applied_index 8")
      })
    )
  )

  it.effect("of this version, and may be one of a newer, stops the node before it changes anything", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        const newer = { ...proposalOf(saveOrganization(1)), command: { _tag: "SaveTomorrow" } }
        const thrown = thrownBy(() => applyBytes(machine, 1, [bytes(JSON.stringify(newer))]))
        assert.include((thrown as Error).message, "does not know (SaveTomorrow): start a newer version")
        assert.strictEqual(machine.load().applied, 0)
      })
    )
  )

  it.effect("fits the disk: a full one stops the node, and what it had stays", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        applyAt(machine, 2, [saveOrganization(1), saveWorkspace(1)])
        const { writer } = yield* Database
        const pages = writer.get<{ page_count: number }>("PRAGMA page_count")?.page_count ?? 0
        writer.execute(`PRAGMA max_page_count = ${pages}`)
        const labels = Object.fromEntries(Array.from({ length: 60 }, (_, label) => [`label-${label}`, "x".repeat(60)]))
        const before = yield* dump
        assert.include(String(thrownBy(() => applyAt(machine, 3, [saveAgent(1, { labels })]))), "SQLITE_FULL")
        assert.deepStrictEqual(yield* dump, before)
        writer.execute("PRAGMA max_page_count = 1073741823")
        assert.deepStrictEqual(codes(applyAt(machine, 3, [saveAgent(1, { labels })])), ["accepted"])
      })
    )
  )
})

describe("what followers of the state see", () => {
  it.effect("is with them when apply returns, in the order of the log", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        const { subscribe } = yield* Events
        const queue = yield* subscribe
        applyAt(machine, 5, [saveOrganization(1), saveOrganization(1), saveOrganization(2)])
        assert.strictEqual(Queue.sizeUnsafe(queue), 2)
        const seen = yield* Queue.takeAll(queue)
        assert.deepStrictEqual(
          seen.map(({ index }) => index),
          [3, 5]
        )
      })
    )
  )

  it.effect("is nothing of a batch that failed", () =>
    onState(
      Effect.gen(function* () {
        const machine = yield* machineOf
        const { subscribe } = yield* Events
        const queue = yield* subscribe
        const exit = yield* Effect.exit(
          Effect.sync(() =>
            machine.apply({
              commands: [],
              last: { index: 1, term: 1 },
              sessionChanges: () => {
                throw new Error("sessions cannot be stored")
              }
            })
          )
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.strictEqual(Queue.sizeUnsafe(queue), 0)
        assert.strictEqual(machine.load().applied, 0)
      })
    )
  )
})
