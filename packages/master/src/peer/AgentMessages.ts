/** Takes messages that another master sends to an agent's session here. `agents/` says what they are and what they do. */
import type { AgentId, MasterId } from "@nxmesh/protocol/Ids"
import { peerUnavailable, type PeerRefused, type PeerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import { Context, Effect, Layer } from "effect"

export class AgentMessages extends Context.Service<
  AgentMessages,
  {
    /** Both are JSON. Fails with reason `not_connected` when the agent is not connected to this master. */
    readonly handle: (
      agentId: AgentId,
      message: unknown,
      from: MasterId
    ) => Effect.Effect<unknown, PeerRefused | PeerUnavailable>
  }
>()("@nxmesh/master/peer/AgentMessages") {
  /** For a master without agents. */
  static readonly layerNone = Layer.succeed(AgentMessages, {
    handle: (agentId) => Effect.fail(peerUnavailable("not_connected", `agent ${agentId} is not connected here`))
  })
}
