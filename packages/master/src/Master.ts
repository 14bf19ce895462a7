/** The one layer graph of the master. Starting builds it from below; stopping releases it from above. */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { layerProcessMetrics } from "@nxmesh/core/observe/ProcessMetrics"
import { Layer } from "effect"
import { LoginGate } from "./auth/LoginGate.ts"
import { Passwords } from "./auth/Passwords.ts"
import { Sessions } from "./auth/Sessions.ts"
import { Tokens } from "./auth/Tokens.ts"
import { BootstrapLayer } from "./cluster/Bootstrap.ts"
import { CommandLog } from "./command/CommandLog.ts"
import { Commands } from "./command/Commands.ts"
import { ConfigEngine } from "./config/ConfigEngine.ts"
import { Secrets } from "./secrets/Secrets.ts"
import { Database } from "./state/Database.ts"
import { Events } from "./state/Events.ts"
import { Reads } from "./state/Reads.ts"
import { version } from "./Version.ts"

const layerGround = Layer.mergeAll(Identifiers.layer, Metrics.layer, Secrets.layer, Events.layer, Database.layer)

/** The log, the state, and what asks it. */
const layerState = Commands.layer.pipe(
  Layer.provide(CommandLog.layer),
  Layer.provideMerge(Reads.layer),
  Layer.provideMerge(layerGround)
)

/** What this cluster is, and who people are. */
const layerIdentity = Sessions.layer.pipe(
  Layer.provideMerge(LoginGate.layer),
  Layer.provideMerge(Tokens.layer),
  Layer.provideMerge(BootstrapLayer),
  Layer.provideMerge(Passwords.layer)
)

/** Everything that decides, and nothing that listens. */
export const layerControl = Layer.mergeAll(
  ConfigEngine.layer,
  layerIdentity,
  layerProcessMetrics("master", version)
).pipe(Layer.provideMerge(layerState))
