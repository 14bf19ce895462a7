/**
 * Helps a sidecar's nginx to start, which its container's runtime does. A killed nginx leaves its proof socket on the shared volume, and
 * the next one cannot bind there: it tries for 2.5 s, within which the agent clears it. At the agent's own start, nginx may come later.
 */
import { Effect, Layer, Schedule } from "effect"
import { Limits } from "../Limits.ts"
import { NginxInstance, type NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as StaleSockets from "../nginx/StaleSockets.ts"

/** Answers whether nginx runs; where it does not, what would keep it from starting goes. */
const look = Effect.fnUntraced(function* ({ pidFile, runtimeDirectory }: NginxInstanceSettings) {
  const master = yield* Effect.result(NginxProcess.find(pidFile))
  if (master._tag === "Success") return true
  yield* Effect.catch(StaleSockets.prepare(runtimeDirectory), (error) =>
    Effect.logError(`nginx may not be able to start: ${error.message}`)
  )
  return false
})

/** Waits for the nginx of a sidecar, for a while: without it nobody knows what to render for. Other nginx are not waited for. */
export const awaitNginx: Effect.Effect<void, never, NginxInstance> = Effect.gen(function* () {
  const instance = yield* NginxInstance
  if (instance.sidecar !== true || (yield* look(instance))) return
  yield* Effect.logInfo("waiting for nginx in its container")
  yield* look(instance).pipe(
    Effect.repeat({ schedule: Schedule.spaced(Limits.sidecarProbeInterval), until: (runs) => runs }),
    Effect.timeoutOrElse({
      duration: Limits.sidecarStartTimeout,
      orElse: () => Effect.logWarning("nginx has not come: nxmesh-agent doctor says what may be missing")
    })
  )
})

/** Looks after the socket of a sidecar's nginx, as long as the layer. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const instance = yield* NginxInstance
    if (instance.sidecar !== true) return
    yield* Effect.forkScoped(Effect.repeat(look(instance), Schedule.spaced(Limits.sidecarProbeInterval)))
  })
)
