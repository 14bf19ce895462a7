/** The whole link of a master, as `Master` puts it together. */
import { Layer } from "effect"
import { AgentServer } from "./AgentServer.ts"
import { AgentServerSettings } from "./AgentServerSettings.ts"
import { LinkMetrics } from "./LinkMetrics.ts"
import { StoredDirectory } from "./StoredDirectory.ts"

/**
 * Listens for agents. Needs `AgentGateway` (agents/SessionLayers), `Commands`, `Reads`, `Secrets`, `Metrics`, `Settings`
 * and `ServerCertificates`; gives `AgentServer`, which knows the port.
 */
export const layerLink = AgentServer.layer.pipe(
  Layer.provide(Layer.mergeAll(StoredDirectory, LinkMetrics.layer, AgentServerSettings.layer))
)
