/**
 * Keeps an nginx there to be deployed to. In a private prefix the agent starts it: by absolute path, in a session of its own
 * (nginx makes itself a daemon), so that it outlives the agent and is adopted by pid file and verification at the next
 * start. A system nginx belongs to systemd or to a person: it is found, never started.
 */
import { Clock, Context, Duration, Effect, Layer, Semaphore } from "effect"
import { join } from "node:path"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Limits } from "../Limits.ts"
import * as BoundedCommand from "./BoundedCommand.ts"
import { NginxError } from "./NginxError.ts"
import { NginxInstance, type NginxInstanceSettings } from "./NginxInstance.ts"
import * as NginxProcess from "./NginxProcess.ts"
import * as OrphanWorkers from "./OrphanWorkers.ts"
import * as PrivatePrefix from "./PrivatePrefix.ts"
import * as StaleSockets from "./StaleSockets.ts"

export class Supervisor extends Context.Service<
  Supervisor,
  {
    /** The running master. In a private prefix a missing one is started, after orphan workers and stale sockets are gone. */
    readonly ensureRunning: Effect.Effect<NginxProcess.NginxMaster, NginxError | FileError>
    /** Ends a private nginx when its requests are done; a system nginx is left alone. */
    readonly stop: Effect.Effect<void, NginxError>
    /** Whoever deploys or starts nginx holds this: the watchdog must not start one in the middle of a rollback. */
    readonly exclusive: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  }
>()("@nxmesh/agent/nginx/Supervisor") {
  static readonly layer = Layer.effect(
    Supervisor,
    Effect.gen(function* () {
      const instance = yield* NginxInstance
      const lock = yield* Semaphore.make(1)
      return Supervisor.of({
        ensureRunning: ensureRunning(instance),
        stop: stop(instance),
        exclusive: lock.withPermit
      })
    })
  )
}

const ensureRunning = (instance: NginxInstanceSettings) => {
  const { prefix } = instance
  const found = NginxProcess.find(instance.pidFile)
  return prefix === null ? found : Effect.catch(found, () => start(instance, prefix))
}

/** The agent's own nginx as it would be started: to test a tree by while none runs. `null` for a system's. */
export const ownCommand = ({ binary, prefix }: NginxInstanceSettings): NginxProcess.NginxCommand | null =>
  prefix === null
    ? null
    : {
        executable: binary,
        arguments: { prefix, configurationFile: PrivatePrefix.configurationFile(prefix), globalDirectives: null }
      }

const start = Effect.fn("Supervisor.start")(function* (
  instance: NginxInstanceSettings,
  prefix: string
): Effect.fn.Return<NginxProcess.NginxMaster, NginxError | FileError> {
  const configuration = yield* PrivatePrefix.prepare(instance, prefix)
  yield* OrphanWorkers.retire(instance.runtimeDirectory, PrivatePrefix.logFile(prefix))
  yield* StaleSockets.clear(instance.runtimeDirectory)
  const result = yield* BoundedCommand.run({
    program: instance.binary,
    arguments: ["-p", prefix, "-c", configuration, "-e", join(prefix, "logs", "error.log")],
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
  const master = yield* awaitMaster(instance.pidFile)
  yield* Effect.logInfo("started nginx", { pid: master.pid, prefix })
  return master
})

/** The parent exits when the daemon runs; the daemon writes its pid file a moment later. */
const awaitMaster = Effect.fnUntraced(function* (
  pidFile: string
): Effect.fn.Return<NginxProcess.NginxMaster, NginxError> {
  const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(Limits.nginxVersionTimeout)
  while (true) {
    const found = yield* Effect.result(NginxProcess.find(pidFile))
    if (found._tag === "Success") return found.success
    if ((yield* Clock.currentTimeMillis) > deadline) return yield* found.failure
    yield* Effect.sleep(Limits.proofPollInterval)
  }
})

const stop = Effect.fn("Supervisor.stop")(function* (
  instance: NginxInstanceSettings
): Effect.fn.Return<void, NginxError> {
  if (instance.prefix === null) return
  const found = yield* Effect.result(NginxProcess.find(instance.pidFile))
  if (found._tag === "Failure") return
  yield* NginxProcess.signal(found.success, "SIGQUIT")
})
