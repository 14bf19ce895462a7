/** What the master tells an agent to do. */
import { Schema } from "effect"
import { DeploymentId, Generation, KeyId } from "../Ids.ts"
import { Bundle, BundleResource } from "../model/Bundle.ts"

/**
 * The order of directives: a hash has none. Compared by epoch, then by index; an agent refuses an older one. A restore
 * or a forced recovery of the cluster opens a new epoch.
 */
export const Order = Schema.Struct({
  epoch: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  /** Applied index of the log. */
  index: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
})
export type Order = typeof Order.Type

export const compareOrder = (a: Order, b: Order): number => a.epoch - b.epoch || a.index - b.index

/** All of a bundle, or what differs from the one the agent said it has; the generation is the hash of the whole. */
export const BundleUpdate = Schema.Union([
  Schema.TaggedStruct("Full", { bundle: Bundle }),
  Schema.TaggedStruct("Delta", {
    base: Generation,
    generation: Generation,
    put: Schema.Array(BundleResource),
    /** Keys. */
    removed: Schema.Array(Schema.String)
  })
])
export type BundleUpdate = typeof BundleUpdate.Type

export const Directive = Schema.Union([
  /** Serve this generation. The same generation again is a no-op that is answered with the last outcome. */
  Schema.TaggedStruct("Deploy", {
    order: Order,
    deployment_id: DeploymentId,
    update: BundleUpdate,
    /** Seconds that must pass since the agent's last reload. */
    reload_interval_seconds: Schema.Int
  }),
  /** Do nothing: someone put the agent in maintenance, or deployments are frozen. */
  Schema.TaggedStruct("Hold", { order: Order, reason: Schema.String }),
  /** Start signing with the key that `RotateKey` will answer. */
  Schema.TaggedStruct("RotateKey", { key_id: KeyId }),
  /** The master goes away in good order; connect again, elsewhere if there is an elsewhere. */
  Schema.TaggedStruct("Goodbye", { reason: Schema.String }),
  /** Where agents may connect from now on, as `Registered` says it at first. Since version 2. */
  Schema.TaggedStruct("Masters", { masters: Schema.Array(Schema.String) })
])
export type Directive = typeof Directive.Type

/** The first version of the link whose agents know the directive: one that they do not know ends their stream. */
export const directiveSince = (tag: Directive["_tag"]): number => (tag === "Masters" ? 2 : 1)
