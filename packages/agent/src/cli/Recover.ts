/**
 * `nxmesh-agent recover`: what has to be in order before nginx starts without the agent, as ExecStartPre of its unit or as an
 * init container. It finishes or undoes what a crash cut off, retires workers whose master was killed, makes the runtime
 * directory and clears it of stale sockets. It needs no master and no running nginx. Where the agent runs, the journal is
 * left to it.
 */
import { Effect, type Scope } from "effect"
import type { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { FileError } from "@nxmesh/core/file/FileError"
import { surroundings } from "../deploy/Deployer.ts"
import * as Journal from "../deploy/Journal.ts"
import type { QuarantineStore } from "../deploy/QuarantineStore.ts"
import * as Recoverer from "../deploy/Recoverer.ts"
import type { RenderFailure, TreeRenderer } from "../deploy/TreeRenderer.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import type { NginxInstance } from "../nginx/NginxInstance.ts"
import * as OrphanWorkers from "../nginx/OrphanWorkers.ts"
import * as PrivatePrefix from "../nginx/PrivatePrefix.ts"
import * as StaleSockets from "../nginx/StaleSockets.ts"
import type { Sandbox } from "../nginx/Sandbox.ts"
import type { Supervisor } from "../nginx/Supervisor.ts"

export interface RecoverReport {
  /** `null` when the agent runs: the journal is its own then. */
  readonly recovered: Recoverer.Recovered | null
  readonly retiredWorkers: ReadonlyArray<number>
  readonly clearedSockets: ReadonlyArray<string>
}

/** Answers what it did. */
export const recover = Effect.fn("Recover.recover")(function* (
  dataDirectory: string
): Effect.fn.Return<
  RecoverReport,
  FileError | RenderFailure,
  Identifiers | NginxInstance | QuarantineStore | Sandbox | Supervisor | TreeRenderer | Scope.Scope
> {
  const around = yield* surroundings
  const { pidFile, prefix, runtimeDirectory } = around.instance
  const running = (yield* Effect.result(NginxProcess.find(pidFile)))._tag === "Success"
  const logFile = prefix === null ? null : PrivatePrefix.logFile(prefix)
  const retiredWorkers = running ? [] : yield* OrphanWorkers.retire(runtimeDirectory, logFile)
  const clearedSockets = yield* StaleSockets.prepare(runtimeDirectory)
  const recovered = yield* Journal.open(dataDirectory).pipe(
    Effect.flatMap((journal) => Recoverer.recover(around, journal)),
    Effect.catchTag("JournalInUse", () => Effect.succeed(null))
  )
  return { recovered, retiredWorkers, clearedSockets }
})

/** The report as lines for a terminal. */
export const describe = (report: RecoverReport): ReadonlyArray<string> => [
  ...(report.retiredWorkers.length === 0
    ? []
    : [`retired workers without a master: ${report.retiredWorkers.join(", ")}`]),
  ...report.clearedSockets.map((path) => `removed the stale socket ${path}`),
  ...(report.recovered === null
    ? ["the agent runs, and looks after its journal itself"]
    : recoveredLines(report.recovered))
]

const recoveredLines = ({ outcome, served }: Recoverer.Recovered): ReadonlyArray<string> => [
  ...(outcome === null ? [] : [`ended deployment ${outcome.id}, which had been cut off: ${outcome.status}`]),
  `nginx serves, or will serve when it starts, ${served.directory} (generation ${served.generation})`
]
