/** The agent's whole deployment side as one layer: what `main` puts together with the link. */
import { Effect, Layer } from "effect"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import * as SidecarStart from "../modes/SidecarStart.ts"
import * as AccessLogPlace from "../nginx/AccessLogPlace.ts"
import * as InstanceFromSettings from "../nginx/InstanceFromSettings.ts"
import { KeeperSettings } from "../nginx/Keeper.ts"
import { NginxFacts } from "../nginx/NginxFacts.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import { NginxWish } from "../nginx/NginxWish.ts"
import { Resolver } from "../nginx/Resolver.ts"
import { Sandbox } from "../nginx/Sandbox.ts"
import { Supervisor } from "../nginx/Supervisor.ts"
import { collectsAccessLogs, Settings } from "../Settings.ts"
import * as BundleRenderer from "./BundleRenderer.ts"
import { Deployer } from "./Deployer.ts"
import { DeploymentObserver } from "./DeploymentObserver.ts"
import { QuarantineStore } from "./QuarantineStore.ts"
import { RenderInputs } from "./RenderInputs.ts"

const renderer = Layer.unwrap(
  Effect.gen(function* () {
    const [settings, instance] = [yield* Settings, yield* NginxInstance]
    const layout = InstanceFromSettings.layoutOf(settings, instance)
    const accessLog = collectsAccessLogs(settings)
      ? yield* AccessLogPlace.choice(instance, layout)
      : Effect.succeed(null)
    return BundleRenderer.layer(layout).pipe(Layer.provide(Layer.succeed(AccessLogPlace.AccessLogChoice, accessLog)))
  })
)

const deployer = Layer.unwrap(
  Effect.gen(function* () {
    yield* SidecarStart.awaitNginx
    const { dataDirectory } = yield* Settings
    return Deployer.layer({ dataDirectory, observe: yield* DeploymentObserver })
  })
)
const resolver = Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => Resolver.layer({ dataDirectory })))

const renderInputs = Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => RenderInputs.layer(dataDirectory)))

const quarantines = Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => QuarantineStore.layer(dataDirectory)))

const sandbox = Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => Sandbox.layer(dataDirectory)))

const supervisor = Supervisor.layer.pipe(
  Layer.provideMerge(Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => NginxWish.layer(dataDirectory)))),
  Layer.provide(
    Layer.effect(
      KeeperSettings,
      Effect.map(Settings, ({ nginxService }) => ({ unit: nginxService }))
    )
  )
)

/** What works without deploying: the renderer and the supervisor, for `recover` and `doctor`. */
export const groundLayer = renderer.pipe(
  Layer.provideMerge(Layer.mergeAll(NginxFacts.layer, supervisor, resolver, renderInputs, quarantines, sandbox)),
  Layer.provideMerge(Layer.mergeAll(InstanceFromSettings.layer, Identifiers.layer))
)

/** Needs `Settings`, `CurrentPolicy` and `HeldBundle`; gives `Deployer`, `Supervisor`, `NginxWish`, `NginxFacts`, `NginxInstance`, `Resolver`, `RenderInputs` and `Identifiers`. */
export const layer = Layer.merge(deployer, SidecarStart.layer).pipe(Layer.provideMerge(groundLayer))
