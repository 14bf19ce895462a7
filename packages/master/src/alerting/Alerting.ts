/** Everything that the leader does about alerts. */
import { Layer } from "effect"
import { layerAlertTask } from "./AlertTask.ts"
import { layerDeliveryTask } from "./DeliveryTask.ts"

export const layerAlerting = Layer.mergeAll(layerAlertTask, layerDeliveryTask)
