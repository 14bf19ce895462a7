/** What an agent found in the place of a settled file, for the master to make the next version of (drift policy "accept"). */
import { Schema } from "effect"
import { Generation } from "../Ids.ts"
import { Limits } from "../Limits.ts"

export const DriftOffer = Schema.Struct({
  /** Which the texts differ from. */
  generation: Generation,
  /** Name of the directory that the texts may name, below the agent's configuration directory. */
  directory: Schema.String.check(Schema.isPattern(/^\d{14}-\d{6,}$/)),
  files: Schema.NonEmptyArray(
    Schema.Struct({
      /** In the tree. */
      path: Schema.String.check(Schema.isMaxLength(Limits.pathCharactersMax)),
      /** Whole, as it settled. */
      settled: Schema.String.check(Schema.isMaxLength(Limits.templateCharactersMax)),
      /** Whole, as it was found. */
      found: Schema.String.check(Schema.isMaxLength(Limits.templateCharactersMax))
    })
  ).check(Schema.isMaxLength(Limits.driftedFilesMax))
})
export type DriftOffer = typeof DriftOffer.Type

/** Said once it is durable: the next generation has these texts; or why none will. */
export const DriftAnswer = Schema.Struct({
  accepted: Schema.Boolean,
  /** One sentence for the operator; empty when it was accepted. */
  reason: Schema.String.check(Schema.isMaxLength(Limits.descriptionCharactersMax))
})
export type DriftAnswer = typeof DriftAnswer.Type
