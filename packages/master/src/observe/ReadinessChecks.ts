/** What must work before this master may be asked anything. */
import { Effect, Layer } from "effect"
import { Commands } from "../command/Commands.ts"
import { AgentServer } from "../link/AgentServer.ts"
import { Reads } from "../state/Reads.ts"
import { Readiness } from "./Readiness.ts"

export const expectedChecks = ["consensus", "state", "link"] as const

const layerConsensus = Layer.effectDiscard(
  Effect.gen(function* () {
    const { problem } = yield* Commands
    const { register } = yield* Readiness
    yield* register("consensus", problem)
  })
)

const layerState = Layer.effectDiscard(
  Effect.gen(function* () {
    const { appliedIndex } = yield* Reads
    const { register } = yield* Readiness
    const read = appliedIndex.pipe(
      Effect.as(null),
      Effect.catchDefect((defect) => Effect.succeed(`the state cannot be read: ${String(defect)}`))
    )
    yield* register("state", read)
  })
)

const layerLink = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* AgentServer
    const { register } = yield* Readiness
    yield* register("link", Effect.succeed(null))
  })
)

export const layerReadinessChecks = Layer.mergeAll(layerConsensus, layerState, layerLink)
