/** What the deployment journal holds, and what it amounts to. */
import { Schema } from "effect"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import { compareOrder, Order } from "@nxmesh/protocol/link/Directive"
import { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"

const ServedSchema = Schema.Struct({
  directory: Schema.String,
  deploymentId: DeploymentId,
  generation: Generation
})

/** Written before the step's effect. `rollback` covers the whole way back. */
export const JournalStep = Schema.Literals(["render", "stage", "test", "swap", "reload", "prove", "settle", "rollback"])
export type JournalStep = typeof JournalStep.Type

const Open = Schema.Struct({
  deploymentId: DeploymentId,
  generation: Generation,
  directory: Schema.String,
  startedAt: Schema.String,
  step: JournalStep
})

export const JournalState = Schema.Struct({
  /** The highest order accepted: an older directive is refused, also after a restart. */
  order: Schema.NullOr(Order),
  /** The last sequence number given to a directory. */
  sequence: Schema.Int,
  /** What settled last. `null` before the baseline exists. */
  served: Schema.NullOr(ServedSchema),
  /** A deployment that began and has not ended. */
  open: Schema.NullOr(Open),
  lastOutcome: Schema.NullOr(DeploymentOutcome)
})
export type JournalState = typeof JournalState.Type

export const JournalRecord = Schema.Union([
  Schema.TaggedStruct("Accepted", { order: Order }),
  /** The first tree of a configuration directory, or the previous tree under a new deployment id. */
  Schema.TaggedStruct("Based", { served: ServedSchema, sequence: Schema.Int }),
  Schema.TaggedStruct("Began", { open: Open, sequence: Schema.Int }),
  Schema.TaggedStruct("Stepped", { step: JournalStep }),
  Schema.TaggedStruct("Ended", { served: ServedSchema, outcome: DeploymentOutcome }),
  /** The whole state; what came before it counts no more. */
  Schema.TaggedStruct("Folded", { state: JournalState })
])
export type JournalRecord = typeof JournalRecord.Type

export const emptyState: JournalState = { order: null, sequence: 0, served: null, open: null, lastOutcome: null }

/** What one more record makes of the state. Nothing it holds ever goes down: not the order, not the sequence. */
export const fold = (state: JournalState, record: JournalRecord): JournalState => {
  switch (record._tag) {
    case "Accepted":
      return state.order !== null && compareOrder(record.order, state.order) < 0
        ? state
        : { ...state, order: record.order }
    case "Based":
      return { ...state, served: record.served, sequence: Math.max(state.sequence, record.sequence) }
    case "Began":
      return { ...state, open: record.open, sequence: Math.max(state.sequence, record.sequence) }
    case "Stepped":
      return state.open === null ? state : { ...state, open: { ...state.open, step: record.step } }
    case "Ended":
      return { ...state, served: record.served, open: null, lastOutcome: record.outcome }
    case "Folded":
      return record.state
  }
}
