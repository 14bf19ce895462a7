/** What the sessions of this master need of the other masters of the cluster. */
import type { AgentId, MasterId } from "@nxmesh/protocol/Ids"
import type { AgentMessage, AgentReply, PresenceAnswer, PresenceQuestion } from "@nxmesh/protocol/peer/AgentMessage"
import { Context, Data, type Duration, Effect, Layer } from "effect"

/** The other master did not do it. `Unreachable`: nobody answered, or what came was of no use. */
export class MasterSilent extends Data.TaggedError("MasterSilent")<{
  readonly reason: "Unreachable" | "TimedOut"
  readonly message: string
}> {}

export class OtherMasters extends Context.Service<
  OtherMasters,
  {
    /** Every member but this one. */
    readonly ids: Effect.Effect<ReadonlyArray<MasterId>>
    readonly message: (
      id: MasterId,
      agentId: AgentId,
      message: AgentMessage,
      deadline: Duration.Duration
    ) => Effect.Effect<AgentReply, MasterSilent>
    readonly presence: (
      id: MasterId,
      question: PresenceQuestion,
      deadline: Duration.Duration
    ) => Effect.Effect<PresenceAnswer, MasterSilent>
  }
>()("@nxmesh/master/agents/OtherMasters") {
  /** For a master that is alone. */
  static readonly layerNone = Layer.succeed(OtherMasters, {
    ids: Effect.succeed([]),
    message: () => Effect.fail(new MasterSilent({ reason: "Unreachable", message: "this master is alone" })),
    presence: () => Effect.fail(new MasterSilent({ reason: "Unreachable", message: "this master is alone" }))
  })
}
