/**
 * Now and then this master reads all of its state. When that is not what its changes should have made of it, the next check
 * tells the others what is really there, and the majority decides: a master alone, or one of two, must not give up its state
 * on its own word (rule 12).
 */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Duration, Effect, Layer, Schedule } from "effect"
import { NodeIdentity } from "../consensus/NodeIdentity.ts"
import { Settings } from "../Settings.ts"
import { Database } from "../state/Database.ts"
import { fullCheck } from "../state/digest/FullCheck.ts"
import { digestDifference } from "../state/digest/RowDigest.ts"
import { correctDigest } from "../state/digest/StateDigest.ts"
import { Warnings } from "./Warnings.ts"

/** The share of the interval that this master waits at first, so that not all of them read at once. Ids end in random digits. */
export const spreadOf = (id: string): number => Number.parseInt(id.slice(-8), 16) / 2 ** 32

const watch = Effect.gen(function* () {
  const database = yield* Database
  const { nodeId } = yield* NodeIdentity
  const { stateFullCheckInterval: interval } = yield* Settings
  const setWarnings = yield* (yield* Warnings).keep("full-state-check")
  const metrics = yield* Metrics
  const checks = yield* metrics.counter({
    name: "nxmesh_master_state_full_checks_total",
    help: "Times that this master read all of its state, by what it found: right, wrong, or failed.",
    labelNames: ["result"] as const
  })

  const look = Effect.gen(function* () {
    const { file } = database
    const [took, { found, index, kept }] = yield* Effect.timed(fullCheck(database))
    // A state that took its place meanwhile was not read.
    if (database.file !== file) return
    checks.inc({ result: found === kept ? "right" : "wrong" })
    yield* Effect.logInfo("read all of the state", { index, right: found === kept, millis: Duration.toMillis(took) })
    if (found === kept) return
    correctDigest(database.writer, digestDifference(kept, found))
    yield* setWarnings([
      `the state of master ${nodeId} at entry ${index} holds what no change put there: its disk is damaged, or somebody ` +
        `wrote to ${file}. In a cluster it takes the state of the others; a master alone goes on: restore a backup`
    ])
  }).pipe(
    Effect.catch((error) => {
      checks.inc({ result: "failed" })
      return Effect.logWarning(`the check of the whole state failed: ${error.message}`)
    }),
    Effect.catchCause((cause) => Effect.logError("the check of the whole state failed", cause))
  )

  yield* Effect.sleep(Duration.times(interval, spreadOf(nodeId))).pipe(
    Effect.andThen(Effect.repeat(look, Schedule.spaced(interval))),
    Effect.forkScoped
  )
})

export const layerFullStateCheck = Layer.effectDiscard(watch)
