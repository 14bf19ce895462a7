/**
 * The data directory of a single master from before Raft becomes that of a cluster of one, once. Indexes go on where they
 * were: Raft begins with the state as a snapshot of its last entry.
 *
 * The steps, each durable before the next, each doing nothing where it was done:
 * 1. the state catches up with `log/` (`replayLegacyLog`);
 * 2. the master gets its identity, by the caller, who finds the cluster in the state;
 * 3. Raft's directory is seeded, and appears whole (`handOverToRaft`);
 * 4. `log/` becomes `log.converted/`: from here on the directory is like any other.
 */
import { FileError } from "@nxmesh/core/file/FileError"
import { syncPath } from "@nxmesh/core/file/Durable"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { seedNode } from "@nxmesh/raft/node/Seed"
import { Data, Effect } from "effect"
import { access, readdir, rename } from "node:fs/promises"
import { join } from "node:path"
import { DataDirectory } from "../state/DataDirectory.ts"
import { Database } from "../state/Database.ts"
import { stateSnapshot } from "../state/replica/StateSnapshot.ts"
import { readAppliedIndex } from "../state/StateMachine.ts"
import { openLegacyLog } from "./LegacyLog.ts"
import { legacyTerm, replayLog } from "./Replay.ts"

/** Someone kept a log under the name that this one is to get. */
export class ConvertedLogInTheWay extends Data.TaggedError("ConvertedLogInTheWay")<{ readonly path: string }> {
  override get message() {
    return `${this.path} is there already, and the log that was converted now is to get this name: move it elsewhere, and start again`
  }
}

export type HandOverStep = "Seed" | "Retire"

export interface HandOverFacts {
  /** `log/`, of before Raft. */
  readonly log: boolean
  /** Raft's directory holds something: it got its name when it was whole. */
  readonly raft: boolean
  /** The last entry that the state holds. */
  readonly applied: number
}

/** Pure: what is left to be done. A log that never had an entry leaves Raft to begin like a new cluster's. */
export const stepsLeft = ({ applied, log, raft }: HandOverFacts): ReadonlyArray<HandOverStep> => {
  if (!log) return []
  return raft || applied === 0 ? ["Retire"] : ["Seed", "Retire"]
}

const logDirectory = (dataDirectory: string): string => join(dataDirectory, "log")

const attempt = <A>(operation: string, path: string, run: () => Promise<A>): Effect.Effect<A, FileError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

const exists = (path: string): Effect.Effect<boolean, FileError> =>
  attempt("look at", path, () => access(path)).pipe(
    Effect.as(true),
    Effect.catch((error) => (error.code === "ENOENT" ? Effect.succeed(false) : Effect.fail(error)))
  )

const holdsSomething = (path: string): Effect.Effect<boolean, FileError> =>
  attempt("list", path, () => readdir(path)).pipe(
    Effect.map((names) => names.length > 0),
    Effect.catch((error) => (error.code === "ENOENT" ? Effect.succeed(false) : Effect.fail(error)))
  )

/** Step 1. Does nothing where there is no such log. */
export const replayLegacyLog = Effect.gen(function* () {
  const { path } = yield* DataDirectory
  if (!(yield* exists(logDirectory(path)))) return
  const { writer } = yield* Database
  yield* replayLog(yield* openLegacyLog(logDirectory(path)), writer)
})

const seed = (nodeId: MasterId, raftDirectory: string, database: Database["Service"]) =>
  Effect.acquireUseRelease(
    stateSnapshot(database),
    (image) =>
      seedNode({
        directory: raftDirectory,
        id: nodeId,
        snapshot: {
          ...image,
          term: legacyTerm,
          configuration: { voters: [nodeId], learners: [], outgoing: [], learnersNext: [], autoLeave: false }
        }
      }),
    (image) => image.close
  )

const retire = Effect.fnUntraced(function* (dataDirectory: string) {
  const log = logDirectory(dataDirectory)
  const converted = `${log}.converted`
  if (yield* exists(converted)) return yield* new ConvertedLogInTheWay({ path: converted })
  yield* attempt("rename", log, () => rename(log, converted))
  yield* syncPath(dataDirectory)
})

export interface HandOver {
  /** Of this master, which will be the one voter. */
  readonly nodeId: MasterId
  /** Raft's, which no node uses yet. */
  readonly raftDirectory: string
}

/** Steps 3 and 4, what is left of them. The state must hold all of the log. */
export const handOverToRaft = Effect.fn("Legacy.handOverToRaft")(function* ({ nodeId, raftDirectory }: HandOver) {
  const { path } = yield* DataDirectory
  const database = yield* Database
  const facts = {
    log: yield* exists(logDirectory(path)),
    raft: yield* holdsSomething(raftDirectory),
    applied: readAppliedIndex(database.reader)
  }
  for (const step of stepsLeft(facts)) {
    if (step === "Seed") yield* seed(nodeId, raftDirectory, database)
    else yield* retire(path)
  }
  if (facts.log) yield* Effect.logInfo("the log of before Raft was converted", { entries: facts.applied })
})
