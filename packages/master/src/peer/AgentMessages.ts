/** What other masters ask about the agents that are connected here. `agents/` answers. */
import type { AgentId, MasterId } from "@nxmesh/protocol/Ids"
import type { AgentMessage, AgentReply, PresenceAnswer, PresenceQuestion } from "@nxmesh/protocol/peer/AgentMessage"
import type { PeerRefused, PeerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import { peerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import { Context, Effect, Layer } from "effect"

export class AgentMessages extends Context.Service<
  AgentMessages,
  {
    /** To the session of an agent. */
    readonly handle: (
      agentId: AgentId,
      message: AgentMessage,
      from: MasterId
    ) => Effect.Effect<AgentReply, PeerRefused | PeerUnavailable>
    /** Which agents are here. */
    readonly presence: (
      question: PresenceQuestion,
      from: MasterId
    ) => Effect.Effect<PresenceAnswer, PeerRefused | PeerUnavailable>
  }
>()("@nxmesh/master/peer/AgentMessages") {
  /** For a master without agents. */
  static readonly layerNone = Layer.succeed(AgentMessages, {
    handle: () => Effect.succeed({ _tag: "NotConnected" }),
    presence: () => Effect.fail(peerUnavailable("not_ready", "this master takes no agents"))
  })
}
