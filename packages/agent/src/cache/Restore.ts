/**
 * Island mode: a configuration directory that was lost, or made anew with its container, gets the last good bundle back
 * without any master.
 */
import { Effect } from "effect"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { DeploymentId } from "@nxmesh/protocol/Ids"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Deployer } from "../deploy/Deployer.ts"
import { HeldBundle } from "../bundle/HeldBundle.ts"

/** Deploys the cached bundle when this start had to make the first tree; `null` when there was nothing to do. */
export const restore: Effect.Effect<DeploymentOutcome | null, never, Deployer | HeldBundle | Identifiers> = Effect.gen(
  function* () {
    const deployer = yield* Deployer
    const bundle = yield* (yield* HeldBundle).latest
    if (bundle === null || deployer.recovered.decision !== "Baseline") return null
    if ((yield* deployer.current).generation === bundle.generation) return null
    yield* Effect.logWarning("no configuration was found: the last good one is restored from the cache")
    const order = (yield* deployer.order) ?? { epoch: 0, index: 0 }
    return yield* deployer.apply({ deploymentId: DeploymentId.make(yield* (yield* Identifiers).uuid), bundle, order })
  }
)
