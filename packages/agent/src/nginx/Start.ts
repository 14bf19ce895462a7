/** Starts the agent's own nginx in its prefix, and waits for the master that a start by whomever makes. */
import { Duration, Effect } from "effect"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Limits } from "../Limits.ts"
import * as BoundedCommand from "./BoundedCommand.ts"
import { NginxError } from "./NginxError.ts"
import type { NginxInstanceSettings } from "./NginxInstance.ts"
import * as NginxProcess from "./NginxProcess.ts"
import * as OrphanWorkers from "./OrphanWorkers.ts"
import * as PrivatePrefix from "./PrivatePrefix.ts"
import type { ProcessIdentity } from "./ProcessTable.ts"
import * as StaleSockets from "./StaleSockets.ts"

/** May run beside a master that quits: its sockets are closed. */
export const startOwn = Effect.fn("Start.startOwn")(function* (
  instance: NginxInstanceSettings,
  prefix: string
): Effect.fn.Return<NginxProcess.NginxMaster, NginxError | FileError> {
  const configuration = yield* PrivatePrefix.prepare(instance, prefix)
  yield* OrphanWorkers.retire(instance.runtimeDirectory, PrivatePrefix.logFile(prefix))
  yield* StaleSockets.clear(instance.runtimeDirectory)
  const quitting = yield* Effect.orElseSucceed(NginxProcess.find(instance.pidFile), () => null)
  const result = yield* BoundedCommand.run({
    program: instance.binary,
    arguments: ["-p", prefix, "-c", configuration, "-e", PrivatePrefix.logFile(prefix)],
    timeout: Limits.nginxStartTimeout,
    cwd: prefix
  })
  if (result.exitCode !== 0) {
    return yield* new NginxError({
      reason: "start",
      message: `nginx does not start: ${result.stderr.trim().slice(0, 2_000)}`,
      output: result.stderr
    })
  }
  const master = yield* awaitMaster(instance.pidFile, quitting, Limits.nginxVersionTimeout)
  yield* Effect.logInfo("started nginx", { pid: master.pid, prefix })
  return master
})

/** The parent exits when the daemon runs; the daemon writes its pid file a moment later. `old` is a master that does not count. */
export const awaitMaster = (
  pidFile: string,
  old: ProcessIdentity | null,
  within: Duration.Duration
): Effect.Effect<NginxProcess.NginxMaster, NginxError> => {
  let last = new NginxError({ reason: "start", message: `no other nginx wrote ${pidFile}` })
  return Effect.gen(function* () {
    while (true) {
      const found = yield* Effect.result(NginxProcess.find(pidFile))
      if (found._tag === "Failure") last = found.failure
      else if (found.success.pid !== old?.pid || found.success.startTicks !== old.startTicks) return found.success
      yield* Effect.sleep(Limits.proofPollInterval)
    }
  }).pipe(Effect.timeoutOrElse({ duration: within, orElse: () => Effect.fail(last) }))
}
