/**
 * What makes this master one of several: the tasks of the leader, the contact with the others, and how all of it stands.
 * How others are asked is not here: whoever builds this gives `AskMaster`.
 */
import { Layer } from "effect"
import { layerAutopilot } from "./AutopilotTask.ts"
import { layerClusterMetrics } from "./ClusterMetrics.ts"
import { layerContact } from "./Contact.ts"
import { layerDiskWatch } from "./DiskWatch.ts"
import { layerClusterStatus } from "./LiveClusterStatus.ts"
import { MasterStatuses } from "./MasterStatuses.ts"
import { layerMembership } from "./MembershipTask.ts"
import { layerFullStateCheck } from "./FullStateCheck.ts"
import { layerStateCheckTask } from "./StateCheckTask.ts"
import { layerStateCheckWatch } from "./StateCheckWatch.ts"
import { layerUpgrade } from "./UpgradeTask.ts"

export const layerClusterParts = Layer.mergeAll(
  layerContact,
  layerMembership,
  layerAutopilot,
  layerUpgrade,
  layerDiskWatch,
  layerStateCheckTask,
  layerStateCheckWatch,
  layerFullStateCheck,
  layerClusterStatus,
  layerClusterMetrics
).pipe(Layer.provideMerge(MasterStatuses.layer))
