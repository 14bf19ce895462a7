import { assert, describe, it } from "@effect/vitest"
import { Limits as protocolLimits } from "@nxmesh/protocol/Limits"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Cause, Effect, Exit, Fiber } from "effect"
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { CommandError, Commands } from "../../src/command/Commands.ts"
import { Limits } from "../../src/Limits.ts"
import { openConnection } from "../../src/state/Connection.ts"
import { Database } from "../../src/state/Database.ts"
import { Reads } from "../../src/state/Reads.ts"
import { agentId, hostId, organization } from "../config/Fixtures.ts"
import {
  masterLayer,
  raftMasterLayer,
  saveAgent,
  saveHost,
  saveOrganization,
  saveTemplate,
  submit,
  temporaryDirectory,
  tenant,
  update
} from "../state/TestMaster.ts"
import { until } from "../../../../test/support/Wait.ts"
import { frequentSnapshots } from "../state/LoneRaft.ts"

const failingFileSystem = new URL("../../../raft/test/storage/thread/FailingFileSystem.ts", import.meta.url).href

const reasonOf = (error: unknown) => (error instanceof CommandError ? error.reason._tag : String(error))
const opening = (directory: string) =>
  Effect.exit(
    Effect.scoped(
      Effect.provide(
        Reads.use((reads) => reads.appliedIndex),
        masterLayer(directory)
      )
    )
  )
const textOf = (exit: Exit.Exit<unknown, unknown>) => (Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "succeeded")

describe("when the disk fails", () => {
  it.live("a failed fsync leaves the outcome unknown, stops the node, and refuses everything after", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.gen(function* () {
        const commands = yield* Commands
        yield* submit(saveOrganization(1))
        assert.isNull(yield* commands.problem)
        yield* Effect.promise(() => writeFile(join(directory, "fail-log"), ""))
        assert.strictEqual(reasonOf(yield* Effect.flip(submit(saveOrganization(2)))), "OutcomeUnknown")
        assert.include((yield* Effect.flip(commands.failure)).message, "i/o error")
        assert.strictEqual(reasonOf(yield* Effect.flip(submit(saveOrganization(3)))), "Stopping")
        assert.isDefined(yield* Reads.use((reads) => reads.get("organization", organization(1))))
      }).pipe(Effect.provide(raftMasterLayer(directory, { fileSystemModule: failingFileSystem })))
    })
  )

  it.live("rule 5: a full database stops the node, and the next start applies what is in the log", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.gen(function* () {
        yield* tenant
        const { writer } = yield* Database
        const pages = writer.get<{ page_count: number }>("PRAGMA page_count")?.page_count ?? 0
        writer.execute(`PRAGMA max_page_count = ${pages}`)
        // Several pages in one command: a selector with many labels.
        const labels = Object.fromEntries(Array.from({ length: 60 }, (_, label) => [`label-${label}`, "x".repeat(60)]))
        assert.strictEqual(reasonOf(yield* Effect.flip(submit(saveAgent(2, { labels })))), "OutcomeUnknown")
        const failure = yield* Effect.flip(Commands.use(({ failure }) => failure))
        assert.include(failure.message, "SQLITE_FULL")
      }).pipe(Effect.provide(raftMasterLayer(directory)))
      yield* Effect.gen(function* () {
        yield* Commands.use(({ caughtUp }) => caughtUp)
        const reads = yield* Reads
        assert.strictEqual(Object.keys((yield* reads.get("agent", agentId(2)))?.labels ?? {}).length, 60)
      }).pipe(Effect.provide(raftMasterLayer(directory)))
    })
  )
})

describe("when commands come faster than the disk", () => {
  it.live(
    "refuses above the bound instead of growing, and shares fsyncs",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        yield* Effect.gen(function* () {
          const numbers = Array.from({ length: Limits.command.waitingMax + 100 }, (_, i) => i + 1)
          const results = yield* Effect.forEach(numbers, (number) => Effect.result(submit(saveOrganization(number))), {
            concurrency: "unbounded"
          })
          const failures = results.flatMap((result) => (result._tag === "Failure" ? [reasonOf(result.failure)] : []))
          assert.isAtLeast(failures.length, 100)
          assert.deepStrictEqual([...new Set(failures)], ["Busy"])
          const taken = numbers.length - failures.length
          const { counters } = yield* (yield* RaftNode).status
          assert.isBelow(counters.flushes, taken / 10)
          const { total } = yield* Reads.use((reads) =>
            reads.list("organization", { page: 1, perPage: 1, sort: "name", descending: false, filters: {} })
          )
          assert.strictEqual(total, taken)
        }).pipe(Effect.provide(raftMasterLayer(directory)))
      }),
    60_000
  )
})

describe("start and stop", () => {
  it.effect("answers what was taken before it stops", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const asked = yield* Effect.gen(function* () {
        return yield* Effect.forkDetach(
          Effect.forEach([1, 2, 3], (number) => submit(saveOrganization(number)), { concurrency: 3 }),
          { startImmediately: true }
        )
      }).pipe(Effect.provide(masterLayer(directory)))
      assert.strictEqual((yield* Fiber.join(asked)).length, 3)
    })
  )

  it.live("rule 9: a state that was lost comes back from the log", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.andThen(tenant, submit(saveHost(1))).pipe(Effect.provide(raftMasterLayer(directory)))
      const lost = yield* Effect.promise(() => readdir(join(directory, "state")))
      for (const file of lost) yield* Effect.promise(() => rm(join(directory, "state", file)))
      yield* Effect.gen(function* () {
        yield* Commands.use(({ caughtUp }) => caughtUp)
        assert.isDefined(yield* Reads.use((reads) => reads.get("virtual_host", hostId(1))))
      }).pipe(Effect.provide(raftMasterLayer(directory)))
    })
  )

  it.effect("a second master on the same data directory is refused", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.gen(function* () {
        assert.include(textOf(yield* opening(directory)), "in use by another nxmesh-master")
      }).pipe(Effect.provide(masterLayer(directory)))
      assert.strictEqual(textOf(yield* opening(directory)), "succeeded")
    })
  )

  it.effect("rule 10: opens the state that CURRENT names, and refuses a CURRENT that names none", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* opening(directory)
      const current = join(directory, "state", "CURRENT")
      assert.strictEqual(yield* Effect.promise(() => readFile(current, "utf8")), "state-1.db\n")
      yield* Effect.promise(() => writeFile(current, "state-7.db\n"))
      assert.include(textOf(yield* opening(directory)), "names state-7.db, which is not there")
      yield* Effect.promise(() =>
        rename(join(directory, "state", "state-1.db"), join(directory, "state", "state-7.db"))
      )
      yield* Effect.gen(function* () {
        assert.isTrue((yield* Database).file.endsWith("state-7.db"))
      }).pipe(Effect.provide(masterLayer(directory)))
      yield* Effect.promise(() => writeFile(current, "../../etc/passwd"))
      assert.include(textOf(yield* opening(directory)), "does not name a state file")
    })
  )

  it.effect("rule 6: refuses a state that a newer version wrote", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* opening(directory)
      const connection = openConnection(join(directory, "state", "state-1.db"), { readOnly: false, busyMillisMax: 0 })
      connection.execute("PRAGMA user_version = 999")
      connection.close()
      assert.include(textOf(yield* opening(directory)), "start the newer NxMesh again")
    })
  )

  it.live(
    "rule 9: the data directory does not grow with the number of changes",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const source = "x".repeat(protocolLimits.templateCharactersMax)
        const { snapshotLogBytes } = frequentSnapshots
        const rounds = Math.ceil((8 * snapshotLogBytes) / source.length)
        yield* Effect.gen(function* () {
          for (let round = 0; round < rounds; round++) {
            // Refused, as it does not exist, so that only the log grows.
            yield* Effect.ignore(submit(saveTemplate(1, { source }, update())))
          }
          const node = yield* RaftNode
          const status = yield* until(node.status, ({ logBytes }) => logBytes < 3 * snapshotLogBytes, {
            fact: "the log was cut behind a snapshot"
          })
          assert.isAbove(status.firstIndex, rounds / 4)
        }).pipe(Effect.provide(raftMasterLayer(directory, frequentSnapshots)))
      }),
    60_000
  )
})
