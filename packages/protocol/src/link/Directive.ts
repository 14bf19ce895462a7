/** What the master tells an agent to do. */
import { Schema } from "effect"
import { ActionId, DeploymentId, KeyId } from "../Ids.ts"
import { AgentAction } from "../model/AgentAction.ts"
import { AgentPolicy } from "../model/AgentPolicy.ts"
import { BundleUpdate } from "../model/BundleUpdate.ts"
import { TraceNote } from "./TraceNote.ts"

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

export const Directive = Schema.Union([
  /** Serve this generation. The same generation again is a no-op that is answered with the last outcome. */
  Schema.TaggedStruct("Deploy", {
    order: Order,
    deployment_id: DeploymentId,
    update: BundleUpdate,
    /** Seconds that must pass since the agent's last reload. */
    reload_interval_seconds: Schema.Int,
    /** Of the change that this is because of. */
    trace: Schema.optionalKey(TraceNote)
  }),
  /** Do nothing: someone put the agent in maintenance, or deployments are frozen. */
  Schema.TaggedStruct("Hold", { order: Order, reason: Schema.String }),
  /** Start signing with the key that `RotateKey` will answer. */
  Schema.TaggedStruct("RotateKey", { key_id: KeyId }),
  /** The master goes away in good order; connect again, elsewhere if there is an elsewhere. */
  Schema.TaggedStruct("Goodbye", { reason: Schema.String }),
  /** Where agents may connect from now on, as `Registered` says it at first. Since version 2. */
  Schema.TaggedStruct("Masters", { masters: Schema.Array(Schema.String) }),
  /** Do this once, now, and answer with `ReportAction`. The same id again is answered with the same outcome. Since version 3. */
  Schema.TaggedStruct("Perform", { action_id: ActionId, action: AgentAction }),
  /** What holds for this agent from now on: told after each registration, and whenever it changes. Since version 3. */
  Schema.TaggedStruct("Policy", { policy: AgentPolicy })
])
export type Directive = typeof Directive.Type

/** The first version of the link whose agents know the directive: one that they do not know ends their stream. */
export const directiveSince = (tag: Directive["_tag"]): number => since[tag] ?? 1
const since: { readonly [Tag in Directive["_tag"]]?: number } = { Masters: 2, Perform: 3, Policy: 3 }
