/** `nxmesh-agent`: entry point. */
import { hostname } from "node:os"
import { argv } from "node:process"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { layerJsonLogger } from "@nxmesh/core/observe/JsonLogger"
import { layerTracing } from "@nxmesh/core/observe/Tracing"
import { loadSettingsFile } from "@nxmesh/core/settings/SettingsFile"
import { Console, Data, Effect, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { runAgent } from "./Agent.ts"
import * as Doctor from "./cli/Doctor.ts"
import * as Recover from "./cli/Recover.ts"
import * as DeploymentLayer from "./deploy/DeploymentLayer.ts"
import { layoutOf } from "./nginx/InstanceFromSettings.ts"
import { NginxInstance } from "./nginx/NginxInstance.ts"
import { Settings, settingsHelp } from "./Settings.ts"
import { agentVersion } from "./Version.ts"

/** The doctor found what keeps the agent from working; it was printed. */
class Unhealthy extends Data.TaggedError("Unhealthy")<{ readonly message: string }> {}

const config = Flag.String("config").pipe(
  Flag.optional,
  Flag.withDescription("YAML file of settings; environment variables win over it")
)
interface Flags {
  readonly config: Option.Option<string>
}

/** The settings of the environment and the file, a log at their level, and traces. */
const configured = (path: Option.Option<string>) => {
  const settings = Layer.unwrap(Effect.map(loadSettingsFile(Option.getOrNull(path)), Settings.layer))
  const observed = Layer.unwrap(
    Effect.map(Settings, ({ logLevel, tracesEndpoint, tracesRatio }) =>
      Layer.merge(
        layerJsonLogger({ component: "agent", minimumLevel: logLevel }),
        layerTracing({
          endpoint: tracesEndpoint,
          service: "nxmesh-agent",
          version: agentVersion,
          instance: hostname(),
          ratio: tracesRatio
        })
      )
    )
  )
  return observed.pipe(Layer.provideMerge(settings))
}

const run = ({ config }: Flags) => runAgent.pipe(Effect.provide(configured(config)))

const print = (lines: ReadonlyArray<string>) => Effect.forEach(lines, (line) => Console.log(line), { discard: true })

const doctor = Effect.fn("main.doctor")(function* ({ config }: Flags) {
  const findings = yield* Effect.gen(function* () {
    const settings = yield* Settings
    const { ownsDefaultServer } = layoutOf(settings, yield* NginxInstance)
    return yield* Doctor.examine(settings.dataDirectory, ownsDefaultServer, settings.deploymentMode)
  }).pipe(Effect.provide(DeploymentLayer.groundLayer.pipe(Layer.provideMerge(configured(config)))))
  yield* print(Doctor.describe(findings))
  if (!Doctor.isHealthy(findings)) return yield* new Unhealthy({ message: "the agent cannot work here yet" })
})

const recover = Effect.fn("main.recover")(function* ({ config }: Flags) {
  const report = yield* Effect.flatMap(Settings, ({ dataDirectory }) => Recover.recover(dataDirectory)).pipe(
    Effect.scoped,
    Effect.provide(DeploymentLayer.groundLayer.pipe(Layer.provideMerge(configured(config))))
  )
  yield* print(Recover.describe(report))
})

const command = <E extends { readonly message: string }>(
  name: string,
  description: string,
  handle: (flags: Flags) => Effect.Effect<void, E>
) => Command.make(name, { config }, handle).pipe(Command.withDescription(description))

const agent = command(
  "nxmesh-agent",
  `The agent beside one nginx.\n\nSettings, as environment variables:\n${settingsHelp}`,
  run
).pipe(
  Command.withSubcommands([
    command("run", "Serve what the master asks for, until stopped (the default)", run),
    command("doctor", "Say whether the agent can work with the nginx here, and what to change", doctor),
    command("recover", "Finish or undo what a crash cut off, before nginx starts without the agent", recover)
  ])
)

Command.runWith(agent, { version: agentVersion })(argv.slice(2)).pipe(
  Effect.tapError((error) => Effect.logError(error.message)),
  Effect.provide(NodeServices.layer),
  Effect.provide(layerJsonLogger({ component: "agent" })),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
