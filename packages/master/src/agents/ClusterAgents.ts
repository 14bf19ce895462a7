/** Everything that this master does about agents, here and together with the other masters. */
import { Layer } from "effect"
import { layerAcceptance } from "./Acceptance.ts"
import { ActionOutcomes } from "./ActionOutcomes.ts"
import { layerAgentKeyRotation } from "./AgentKeyRotation.ts"
import { AgentPresence } from "./AgentPresence.ts"
import { AgentSessions } from "./AgentSessions.ts"
import { layerChangeConvergence } from "./ChangeConvergence.ts"
import { layerClaims } from "./Claims.ts"
import { layerAgentMessages, layerOtherMasters } from "./OtherMastersLayer.ts"
import { layerRebalancer } from "./Rebalancer.ts"
import { SessionRouter } from "./SessionRouter.ts"
import { ThisMaster } from "./ThisMaster.ts"

export const layerClusterAgents = Layer.mergeAll(
  SessionRouter.layer,
  ActionOutcomes.layer,
  layerAgentMessages,
  layerClaims,
  layerRebalancer,
  layerAgentKeyRotation,
  layerAcceptance,
  layerChangeConvergence
).pipe(
  Layer.provideMerge(AgentPresence.layer),
  Layer.provideMerge(AgentSessions.layer),
  Layer.provideMerge(layerOtherMasters),
  Layer.provideMerge(ThisMaster.layer)
)
