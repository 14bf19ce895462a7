/** Who the agents are: their keys, and how they get them. */
import type { AgentKeys } from "@nxmesh/core/crypto/CallSignature"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { LinkCaller } from "@nxmesh/protocol/link/AgentLink"
import type { LinkRefused } from "@nxmesh/protocol/link/LinkRefused"
import type { Enrolled, Enrolment, SessionKey } from "@nxmesh/protocol/link/Registration"
import { Context, type Effect } from "effect"

export class AgentDirectory extends Context.Service<
  AgentDirectory,
  {
    /**
     * Primary and secondary key, unsealed; `undefined` for an agent that is not enrolled. Where the agent or `keyId` is not
     * known, that is what the cluster knows, not only this master: a refusal for it is for good.
     */
    readonly keys: (agentId: AgentId, keyId: string) => Effect.Effect<AgentKeys, LinkRefused>
    /** Burns the token. The proof was checked. */
    readonly enrol: (enrolment: Enrolment, caller: LinkCaller) => Effect.Effect<Omit<Enrolled, "masters">, LinkRefused>
    /**
     * A new primary key; the old one becomes secondary. To an agent that still signs with the secondary, because the answer with
     * the primary was lost, that is given again: another rotation would shut it out.
     */
    readonly rotateKey: (agentId: AgentId, signedWith: string | null) => Effect.Effect<SessionKey, LinkRefused>
  }
>()("@nxmesh/master/link/AgentDirectory") {}
