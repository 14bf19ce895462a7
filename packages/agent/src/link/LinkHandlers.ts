/** What the link asks of the rest of the agent. */
import type { ActionId, Generation } from "@nxmesh/protocol/Ids"
import type { Directive } from "@nxmesh/protocol/link/Directive"
import type { DriftAnswer, DriftOffer } from "@nxmesh/protocol/link/DriftOffer"
import type { Registration } from "@nxmesh/protocol/link/Registration"
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import type { ActionOutcome, AgentAction } from "@nxmesh/protocol/model/AgentAction"
import type { AgentPolicy } from "@nxmesh/protocol/model/AgentPolicy"
import type { Outbox } from "../outbox/Outbox.ts"
import type { Duration, Effect, Stream } from "effect"

/** What an agent is to carry out; the rest of the directives the link answers itself. */
export type Task = Extract<Directive, { readonly _tag: "Deploy" | "Hold" }>

export interface LinkHandlers {
  /** Read anew for each connection. */
  readonly registration: Effect.Effect<Pick<Registration, "facts" | "highest_order" | "serving">>
  /** The bundle that a delta may be made against. */
  readonly have: Effect.Effect<Generation | null>
  /** Takes a task over; must not wait for it to be done, or the next one cannot replace it. */
  readonly task: (task: Task) => Effect.Effect<void>
  /** Done once for each id; may take as long as nginx needs. */
  readonly perform: (actionId: ActionId, action: AgentAction) => Effect.Effect<ActionOutcome>
  readonly policy: (policy: AgentPolicy) => Effect.Effect<void>
  /** Drift that is to become the next version: the next one to offer, and what the master says to it. Absent: there is none. */
  readonly drift?: {
    readonly next: Effect.Effect<DriftOffer>
    readonly answered: (offer: DriftOffer, answer: DriftAnswer) => Effect.Effect<void>
  }
  /** At once, then every `interval`, and whenever something changes. */
  readonly health: (interval: Duration.Duration) => Stream.Stream<HealthReport>
  /** What waits for a master. */
  readonly outbox: Pick<Outbox["Service"], "acknowledge" | "next">
  /** Keeps a health report that no master is known to have. */
  readonly unheard: (report: HealthReport) => Effect.Effect<void>
  /** Runs while no master is connected. */
  readonly island: Effect.Effect<void>
}
