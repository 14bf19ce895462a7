/** A master of 0.1.0 becomes a cluster of one, and nothing of it is lost, wherever that is cut short. */
import { assert, describe, it } from "@effect/vitest"
import type { Proposal } from "@nxmesh/protocol/Command"
import { MasterId } from "@nxmesh/protocol/Ids"
import { defaultNodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { startRaftNode } from "@nxmesh/raft/node/RaftNode"
import { Cause, Effect, Exit, Layer, Stream } from "effect"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { handOverToRaft, replayLegacyLog, stepsLeft } from "../../src/legacy/Conversion.ts"
import { Database } from "../../src/state/Database.ts"
import { DataDirectory } from "../../src/state/DataDirectory.ts"
import { decodeOutcome, encodeProposal } from "../../src/state/replica/CommandBytes.ts"
import { ReplicatedState } from "../../src/state/ReplicatedState.ts"
import { readApplied } from "../../src/state/StateMachine.ts"
import { uuid } from "../config/Fixtures.ts"
import { proposalOf, stateLayer } from "../state/replica/TestState.ts"
import { saveOrganization, temporaryDirectory } from "../state/TestMaster.ts"
import { durableIndex, layRecordedDirectory, type Recorded, recordedIndex } from "./RecordedDirectory.ts"
import { writeLog } from "./WriteLog.ts"

const nodeId = MasterId.make(uuid(0xa, 1))

/** A start of the program: built anew, it is another one. */
const started =
  (directory: string) =>
  <A, E, R>(use: Effect.Effect<A, E, R>) =>
    Effect.provide(use, Database.layerNoDeps.pipe(Layer.provideMerge(DataDirectory.layerAt(directory))))

const handOver = (directory: string) => handOverToRaft({ nodeId, raftDirectory: join(directory, "raft") })

const converted = (directory: string) => started(directory)(Effect.andThen(replayLegacyLog, handOver(directory)))

const applied = Effect.map(Database, ({ reader }) => readApplied(reader))

/** The rows of the tables and columns that 0.1.0 had, without the term that it did not know. */
const rowsLike = (rows: Recorded["rows"]) =>
  Effect.map(Database, ({ reader }) =>
    Object.fromEntries(
      Object.entries(rows).map(([table, [first]]) => {
        const columns = Object.keys(first ?? { "*": null }).join(", ")
        const known = table === "meta" ? "WHERE name IN ('applied_index', 'at_millis')" : ""
        return [table, reader.all(`SELECT ${columns} FROM ${table} ${known} ORDER BY 1, 2`)]
      })
    )
  )

const problemOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "none"

const names = (directory: string) => readdirSync(directory).filter((name) => /^(log|raft)/.test(name))

/** The node of the converted directory, alone, with the state as its machine. */
const withNode =
  (directory: string) =>
  <A, E, R>(use: (node: Effect.Success<ReturnType<typeof startRaftNode>>) => Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const { machine } = yield* ReplicatedState
      const node = yield* startRaftNode({
        options: { ...defaultNodeOptions, tickMillis: 50, id: nodeId, bootstrap: null },
        directory: join(directory, "raft"),
        machine,
        network: { cluster: "test", listen: { host: "127.0.0.1", port: 0 }, tls: null, allowPlaintext: false },
        peers: new Map()
      })
      yield* Stream.runHead(Stream.filter(node.statuses, ({ role }) => role === "Leader"))
      return yield* use(node)
    }).pipe(Effect.scoped, Effect.provide(stateLayer(directory)))

describe("a data directory of 0.1.0", { timeout: 60_000 }, () => {
  it.effect("has after the conversion all that its master had acknowledged", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const rows = layRecordedDirectory(directory)
      yield* started(directory)(
        Effect.gen(function* () {
          assert.strictEqual((yield* applied).index, durableIndex)
          yield* replayLegacyLog
          assert.deepStrictEqual(yield* rowsLike(rows), rows)
          assert.deepInclude(yield* applied, { index: recordedIndex, term: 1 })
          yield* handOver(directory)
          assert.deepStrictEqual(yield* rowsLike(rows), rows)
        })
      )
      assert.deepStrictEqual(names(directory), ["log.converted", "raft"])
    })
  )

  it.live("goes on as a Raft node at the next index, over restarts, and without its state's files", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const rows = layRecordedDirectory(directory)
      yield* converted(directory)
      const save = (number: number): Uint8Array => encodeProposal(proposalOf(saveOrganization(number)))
      const first = yield* withNode(directory)((node) => node.propose(save(1)))
      assert.isAbove(first.index, recordedIndex)
      assert.deepInclude(decodeOutcome(first.result), { _tag: "Accepted", index: first.index })
      rmSync(join(directory, "state"), { recursive: true })
      const second = yield* withNode(directory)((node) =>
        Effect.gen(function* () {
          yield* node.read
          const { reader } = yield* Database
          assert.deepStrictEqual(reader.get("SELECT count(*) AS n FROM organizations"), { n: 2 })
          assert.deepStrictEqual(reader.all("SELECT * FROM users ORDER BY 1"), rows["users"])
          return yield* node.propose(save(2))
        })
      )
      assert.isAbove(second.index, first.index)
    })
  )

  it.effect("may be converted again and again: only what is left is done", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const rows = layRecordedDirectory(directory)
      for (let time = 0; time < 3; time++) {
        yield* converted(directory)
        yield* started(directory)(Effect.map(rowsLike(rows), (found) => assert.deepStrictEqual(found, rows)))
        assert.deepStrictEqual(names(directory), ["log.converted", "raft"])
      }
    })
  )
})

describe("a crash of the conversion", () => {
  /** What the directory is after so much of it. */
  const cuts: Readonly<Record<string, (directory: string) => Effect.Effect<unknown, unknown>>> = {
    "before anything": () => Effect.void,
    "while the state caught up": (directory) =>
      // A state that has some of the entries: its own log, shortened, was applied.
      started(directory)(
        Effect.gen(function* () {
          const whole = join(directory, "whole")
          cpSync(join(directory, "log"), whole, { recursive: true })
          const [file = ""] = readdirSync(whole)
          const bytes = readFileSync(join(whole, file))
          writeFileSync(join(directory, "log", file), bytes.subarray(0, bytes.length - 20))
          yield* replayLegacyLog
          const { index } = yield* applied
          assert.isAbove(index, durableIndex)
          assert.isBelow(index, recordedIndex)
          cpSync(whole, join(directory, "log"), { recursive: true })
        })
      ),
    "after the state caught up": (directory) => started(directory)(replayLegacyLog),
    "after the state caught up, with a power cut that took it back": (directory) =>
      Effect.gen(function* () {
        const before = yield* temporaryDirectory
        cpSync(join(directory, "state"), before, { recursive: true })
        yield* started(directory)(replayLegacyLog)
        rmSync(join(directory, "state"), { recursive: true })
        cpSync(before, join(directory, "state"), { recursive: true })
      }).pipe(Effect.scoped),
    "while Raft's directory was made": (directory) =>
      Effect.andThen(
        started(directory)(replayLegacyLog),
        Effect.sync(() => {
          mkdirSync(join(directory, "raft"))
          mkdirSync(join(directory, "raft.seeding"))
          writeFileSync(join(directory, "raft.seeding", "snapshot.receiving"), "half")
        })
      ),
    "after Raft's directory was made": (directory) =>
      Effect.andThen(
        converted(directory),
        Effect.sync(() => {
          cpSync(join(directory, "log.converted"), join(directory, "log"), { recursive: true })
          rmSync(join(directory, "log.converted"), { recursive: true })
        })
      ),
    "at its end": converted
  }

  it.effect.each(Object.keys(cuts))("%s loses nothing: the next start does the rest", (name) =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const rows = layRecordedDirectory(directory)
      yield* cuts[name]?.(directory) ?? Effect.void
      yield* converted(directory)
      yield* started(directory)(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* rowsLike(rows), rows)
          assert.strictEqual((yield* applied).index, recordedIndex)
        })
      )
      assert.isTrue(existsSync(join(directory, "raft")))
      assert.isFalse(existsSync(join(directory, "log")))
      assert.isTrue(existsSync(join(directory, "log.converted")))
    })
  )

  it("leaves what is left to be done", () => {
    const facts = { log: true, raft: false, applied: 7 }
    assert.deepStrictEqual(stepsLeft(facts), ["Seed", "Retire"])
    assert.deepStrictEqual(stepsLeft({ ...facts, raft: true }), ["Retire"])
    assert.deepStrictEqual(stepsLeft({ ...facts, applied: 0 }), ["Retire"])
    assert.deepStrictEqual(stepsLeft({ ...facts, log: false }), [])
    assert.deepStrictEqual(stepsLeft({ log: false, raft: true, applied: 0 }), [])
  })
})

describe("a conversion is refused", () => {
  const texts = (...proposals: ReadonlyArray<Proposal>) => proposals.map((one) => JSON.stringify(one))
  const saves = [1, 2, 3].map((number) => proposalOf(saveOrganization(number)))

  const refusal = Effect.fnUntraced(function* (change: (directory: string) => void) {
    const directory = yield* temporaryDirectory
    writeLog(join(directory, "log"), [texts(...saves.slice(0, 2)), texts(...saves.slice(2))])
    yield* started(directory)(replayLegacyLog)
    change(directory)
    const problem = problemOf(yield* Effect.exit(converted(directory)))
    assert.isFalse(existsSync(join(directory, "raft")))
    return problem
  })

  it.effect("when the log ends before the state", () =>
    Effect.gen(function* () {
      const problem = yield* refusal((directory) => {
        rmSync(join(directory, "log"), { recursive: true })
        writeLog(join(directory, "log"), [texts(...saves.slice(0, 2))])
      })
      assert.include(problem, "the log ends at entry 2, and the state holds entry 3")
      assert.include(problem, "restore both from one backup")
    })
  )

  it.effect("when the log begins after the state", () =>
    Effect.gen(function* () {
      const problem = yield* refusal((directory) => {
        rmSync(join(directory, "log"), { recursive: true })
        writeLog(join(directory, "log"), [texts(...saves)], 5)
      })
      assert.include(problem, "the log starts at entry 5, and the state ends at 3")
    })
  )

  it.effect("when the log holds a command of a newer version", () =>
    Effect.gen(function* () {
      const problem = yield* refusal((directory) => {
        const newer = { ...saves[0], command: { _tag: "SaveTomorrow" } } as unknown as Proposal
        writeLog(join(directory, "log"), [texts(newer)], 4)
      })
      assert.include(
        problem,
        "entry 4 cannot be read (unknown command SaveTomorrow): was it written by a newer version?"
      )
    })
  )

  it.effect("when an older log was kept under the name that this one gets, and goes on once it is moved", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      layRecordedDirectory(directory)
      mkdirSync(join(directory, "log.converted"))
      assert.include(problemOf(yield* Effect.exit(converted(directory))), "move it elsewhere, and start again")
      rmSync(join(directory, "log.converted"), { recursive: true })
      yield* converted(directory)
      assert.deepStrictEqual(names(directory), ["log.converted", "raft"])
    })
  )
})

describe("a log without entries", () => {
  it.effect("is put away, and Raft begins as in a new cluster", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      writeLog(join(directory, "log"), [[]])
      yield* converted(directory)
      assert.deepStrictEqual(names(directory), ["log.converted"])
    })
  )
})
