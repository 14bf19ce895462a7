import { assert, describe, it } from "@effect/vitest"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { FileError } from "@nxmesh/core/file/FileError"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Limits as protocolLimits } from "@nxmesh/protocol/Limits"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Latch, Ref } from "effect"
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { CommandError, Commands } from "../../src/command/Commands.ts"
import { CommandLog } from "../../src/command/CommandLog.ts"
import { Limits } from "../../src/Limits.ts"
import { openConnection } from "../../src/state/Connection.ts"
import { Database } from "../../src/state/Database.ts"
import { DataDirectory } from "../../src/state/DataDirectory.ts"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import { agentId, hostId, organization } from "../config/Fixtures.ts"
import {
  masterLayer,
  onMaster,
  saveAgent,
  saveHost,
  saveOrganization,
  saveTemplate,
  submit,
  temporaryDirectory,
  tenant,
  update
} from "../state/TestMaster.ts"

/** A log whose disk can be made slow or broken. */
const troubledLayer = (directory: string, trouble: (log: CommandLog["Service"]) => CommandLog["Service"]) =>
  Layer.mergeAll(Commands.layer, Reads.layer).pipe(
    Layer.provideMerge(
      Layer.effect(CommandLog, Effect.map(CommandLog, trouble)).pipe(Layer.provide(CommandLog.layerNoDeps))
    ),
    Layer.provideMerge(Layer.mergeAll(Database.layerNoDeps, Events.layer, Identifiers.layer, Metrics.layer)),
    Layer.provide(DataDirectory.layerAt(directory))
  )

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
  it.effect("a failed fsync leaves the outcome unknown, stops the node, and refuses everything after", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const broken = yield* Ref.make(false)
      const layer = troubledLayer(directory, (log) => ({
        ...log,
        append: (payloads) =>
          Effect.flatMap(Ref.get(broken), (fails) =>
            fails
              ? Effect.fail(new FileError({ operation: "fsync", path: "log", cause: new Error("EIO") }))
              : log.append(payloads)
          )
      }))
      yield* Effect.gen(function* () {
        const commands = yield* Commands
        yield* submit(saveOrganization(1))
        yield* Ref.set(broken, true)
        assert.strictEqual(reasonOf(yield* Effect.flip(submit(saveOrganization(2)))), "OutcomeUnknown")
        assert.include((yield* Effect.flip(commands.failure)).message, "EIO")
        assert.strictEqual(reasonOf(yield* Effect.flip(submit(saveOrganization(3)))), "LogFailed")
        assert.isFalse(yield* commands.ready)
        assert.isDefined(yield* Reads.use((reads) => reads.get("organization", organization(1))))
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("rule 5: a full database stops the node, and the next start applies what is in the log", () =>
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
      }).pipe(Effect.provide(masterLayer(directory)))
      yield* Effect.gen(function* () {
        const reads = yield* Reads
        assert.strictEqual(Object.keys((yield* reads.get("agent", agentId(2)))?.labels ?? {}).length, 60)
        assert.strictEqual(yield* reads.appliedIndex, 4)
      }).pipe(Effect.provide(masterLayer(directory)))
    })
  )
})

describe("when commands come faster than the disk", () => {
  it.effect(
    "refuses above the bound instead of growing, and shares fsyncs",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const gate = yield* Latch.make(false)
        const appends = yield* Ref.make(0)
        const layer = troubledLayer(directory, (log) => ({
          ...log,
          append: (payloads) =>
            Ref.update(appends, (count) => count + 1).pipe(
              Effect.andThen(gate.await),
              Effect.andThen(log.append(payloads))
            )
        }))
        yield* Effect.gen(function* () {
          const numbers = Array.from(
            { length: Limits.command.waitingMax + Limits.command.batchMax + 100 },
            (_, i) => i + 1
          )
          const full = yield* Deferred.make<void>()
          const all = yield* Effect.forkChild(
            Effect.forEach(
              numbers,
              (number) =>
                Effect.result(submit(saveOrganization(number))).pipe(
                  Effect.tap((result) => (result._tag === "Failure" ? Deferred.succeed(full, undefined) : Effect.void))
                ),
              { concurrency: "unbounded" }
            )
          )
          yield* Deferred.await(full)
          yield* gate.open
          const results = yield* Fiber.join(all)
          const failures = results.flatMap((result) => (result._tag === "Failure" ? [reasonOf(result.failure)] : []))
          assert.isAbove(failures.length, 0)
          assert.deepStrictEqual([...new Set(failures)], ["LogFull"])
          assert.isBelow(yield* Ref.get(appends), numbers.length / 50)
        }).pipe(Effect.provide(layer))
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

  it.effect("rule 9: a state that lags the log catches up from its applied index", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.andThen(tenant, submit(saveHost(1))).pipe(Effect.provide(masterLayer(directory)))
      const lost = yield* Effect.promise(() => readdir(join(directory, "state")))
      for (const file of lost) yield* Effect.promise(() => rm(join(directory, "state", file)))
      yield* Effect.gen(function* () {
        const reads = yield* Reads
        assert.strictEqual(yield* reads.appliedIndex, 4)
        assert.isDefined(yield* reads.get("virtual_host", hostId(1)))
      }).pipe(Effect.provide(masterLayer(directory)))
    })
  )

  it.effect("refuses a log that ends before the state", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.provide(tenant, masterLayer(directory))
      yield* Effect.promise(() => rm(join(directory, "log"), { recursive: true }))
      assert.include(textOf(yield* opening(directory)), "the log ends at entry 0")
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
      assert.include(textOf(yield* opening(directory)), "start the newer version again")
    })
  )

  it.live("rule 9: the data directory does not grow with the number of changes of one resource's size", () =>
    onMaster(
      Effect.gen(function* () {
        const log = yield* CommandLog
        const source = "x".repeat(protocolLimits.templateCharactersMax)
        const rounds = Math.ceil((4 * Limits.command.segmentBytesMax) / source.length)
        for (let round = 0; round < rounds; round++) {
          // Refused, as it does not exist, so that only the log grows.
          yield* Effect.ignore(submit(saveTemplate(1, { source }, update())))
        }
        const { file } = yield* Database
        const directory = join(file, "../../log")
        const files = yield* Effect.promise(() => readdir(directory))
        const sizes = yield* Effect.promise(() =>
          Promise.all(files.map(async (name) => (await stat(join(directory, name))).size))
        )
        const total = sizes.reduce((sum, size) => sum + size, 0)
        assert.isBelow(total, 2.5 * Limits.command.segmentBytesMax)
        assert.strictEqual(yield* log.lastIndex, rounds)
      })
    )
  )
})
