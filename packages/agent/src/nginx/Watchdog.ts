/** Starts the agent's own nginx again when it dies, within a budget. A system nginx is its owner's to restart. */
import { Clock, Effect, Layer } from "effect"
import { Limits } from "../Limits.ts"
import { NginxInstance } from "./NginxInstance.ts"
import * as NginxProcess from "./NginxProcess.ts"
import * as RestartBudget from "./RestartBudget.ts"
import { Supervisor } from "./Supervisor.ts"

const watch = Effect.gen(function* () {
  const { pidFile, prefix } = yield* NginxInstance
  const { ensureRunning, exclusive } = yield* Supervisor
  if (prefix === null) return
  let restarts: RestartBudget.Restarts = []
  let reported = false

  const restart = Effect.gen(function* () {
    const spent = RestartBudget.spend(restarts, yield* Clock.currentTimeMillis)
    if (spent === null) {
      if (!reported) yield* Effect.logError("nginx keeps dying: no further start until a minute has passed")
      reported = true
      return
    }
    restarts = spent
    reported = false
    yield* Effect.logWarning("nginx died and is started again")
    yield* exclusive(ensureRunning)
  })

  while (true) {
    yield* Effect.sleep(Limits.watchInterval)
    const found = yield* Effect.result(NginxProcess.find(pidFile))
    if (found._tag === "Success") continue
    yield* Effect.catch(restart, (error) => Effect.logError(`nginx cannot be started again: ${error.message}`))
  }
})

/** Runs as long as the layer. */
export const layer = Layer.effectDiscard(Effect.forkScoped(watch))
