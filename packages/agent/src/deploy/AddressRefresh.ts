/**
 * Resolves the names of the bundle that serves again and again, and deploys it anew when an address changed: nginx below
 * 1.27.3 would keep the old one until its next reload. Each round is at least `addressRefreshInterval` after the one before,
 * which bounds the reloads that a restless name can cause.
 */
import { Effect, Layer, Ref } from "effect"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { hostNames } from "@nxmesh/core/nginx/Render"
import { DeploymentId } from "@nxmesh/protocol/Ids"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Limits } from "../Limits.ts"
import { HeldBundle } from "../bundle/HeldBundle.ts"
import { isSame } from "../nginx/AddressBook.ts"
import { Resolver } from "../nginx/Resolver.ts"
import { AddressesInUse } from "./AddressesInUse.ts"
import { Deployer } from "./Deployer.ts"

/** One round: deploys the held bundle again if its names have other addresses now. `null` when there was nothing to do. */
export const refresh: Effect.Effect<
  DeploymentOutcome | null,
  never,
  AddressesInUse | Deployer | HeldBundle | Identifiers | Resolver
> = Effect.gen(function* () {
  const deployer = yield* Deployer
  const bundle = yield* (yield* HeldBundle).latest
  const order = yield* deployer.order
  if (bundle === null || order === null || bundle.generation !== (yield* deployer.current).generation) return null
  const names = hostNames(bundle)
  if (names.length === 0) return null
  const addresses = yield* (yield* Resolver).resolve(names)
  const inUse = yield* AddressesInUse
  if (isSame(addresses, yield* Ref.get(inUse))) return null
  yield* Effect.logInfo("the addresses of upstream names changed: deploying again")
  // Whatever comes of it, these addresses were tried: they are tried again only when they change.
  yield* Ref.set(inUse, addresses)
  const deploymentId = DeploymentId.make(yield* (yield* Identifiers).uuid)
  return yield* deployer.apply({ deploymentId, bundle, order, force: true })
})

/** Refreshes as long as the layer lives. */
export const layer = Layer.effectDiscard(
  Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(Limits.addressRefreshInterval), refresh)))
)
