/** `nxmesh-master`: reads settings, serves until a signal, stops within a bound. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { layerJsonLogger } from "@nxmesh/core/observe/JsonLogger"
import { layerTracing } from "@nxmesh/core/observe/Tracing"
import { loadSettingsFile } from "@nxmesh/core/settings/SettingsFile"
import { tracingSettingsDefault } from "@nxmesh/protocol/model/TracingSettings"
import { Cause, Context, Effect, Exit, Fiber, Layer, Option, Result, Scope } from "effect"
import { help, readArguments } from "./Arguments.ts"
import { RemovedFromCluster, Standing } from "./cluster/Standing.ts"
import { StateDiverged, StateDivergence } from "./cluster/StateDivergence.ts"
import { Commands } from "./command/Commands.ts"
import { askForRejoin } from "./consensus/PrepareRejoin.ts"
import { JoinError } from "./joining/JoinCluster.ts"
import { Limits } from "./Limits.ts"
import { layerMaster } from "./Master.ts"
import { Settings } from "./Settings.ts"
import { DataDirectory } from "./state/DataDirectory.ts"
import { version } from "./Version.ts"

const layerObserved = Layer.unwrap(
  Effect.map(Settings, ({ logLevel, nodeName, tracesEndpoint, tracesRatio }) =>
    Layer.merge(
      layerJsonLogger({ component: "master", minimumLevel: logLevel }),
      layerTracing({
        endpoint: tracesEndpoint,
        service: "nxmesh-master",
        version,
        instance: nodeName,
        ratio: tracesRatio ?? tracingSettingsDefault.sample_ratio
      })
    )
  )
)

/** Releases everything, and gives up waiting at the bound: then the process exits with what is durable. */
const closeWithin = (scope: Scope.Closeable, exit: Exit.Exit<unknown, unknown>) =>
  Effect.gen(function* () {
    const closing = yield* Effect.forkDetach(Scope.close(scope, exit), { startImmediately: true })
    const closed = yield* Effect.interruptible(Fiber.await(closing)).pipe(Effect.timeoutOption(Limits.stop))
    if (Option.isNone(closed)) yield* Effect.logWarning("not everything had stopped in time; exiting all the same")
  })

/** Serves until it is interrupted, until Raft cannot go on, or until this master was removed from its cluster. */
const serve = Effect.acquireUseRelease(
  Scope.make(),
  (scope) =>
    Effect.gen(function* () {
      const services = yield* Layer.buildWithScope(layerMaster, scope)
      return yield* Effect.raceAllFirst([
        Context.get(services, Commands).failure,
        Context.get(services, Standing).removed,
        Context.get(services, StateDivergence).found
      ])
    }),
  closeWithin
).pipe(
  Effect.tapCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logFatal(messageOf(cause), cause))),
  Effect.ensuring(Effect.logInfo("the master has stopped"))
)

const messageOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

const complain = (message: string, code = 2) =>
  Effect.sync(() => {
    process.stderr.write(`nxmesh-master: ${message}\n`)
    return code
  })

const say = (text: string) =>
  Effect.sync(() => {
    process.stdout.write(text)
    return 0
  })

/** Does it with the settings of the environment and this file, or says what is wrong with them. */
const withSettings = <E>(config: string | null, run: Effect.Effect<number, E, Settings | Scope.Scope>) =>
  Effect.gen(function* () {
    const file = yield* loadSettingsFile(config)
    const settings = yield* Layer.build(Settings.layer(file))
    return settings
  }).pipe(
    Effect.matchEffect({
      onFailure: (error) => complain(error.message),
      onSuccess: (settings) => Effect.provideContext(run, settings)
    })
  )

const started = serve.pipe(Effect.provide(layerObserved), Effect.as(0))

const rejoined = askForRejoin.pipe(
  Effect.provide(DataDirectory.layer),
  Effect.andThen(say("the next start sets the log and the state aside, and takes this master's place anew\n")),
  Effect.catch((error) => complain(error.message, 1))
)

const program = Effect.gen(function* () {
  const asked = readArguments(process.argv.slice(2))
  if (Result.isFailure(asked)) return yield* complain(asked.failure)
  switch (asked.success._tag) {
    case "Help":
      return yield* say(help)
    case "Version":
      return yield* say(`${version}\n`)
    case "Serve":
      return yield* withSettings(asked.success.config, started)
    case "Rejoin":
      return yield* withSettings(asked.success.config, rejoined)
  }
})

const isOfRemoved = (error: unknown): boolean =>
  error instanceof RemovedFromCluster || (error instanceof JoinError && error.reason === "Removed")

/**
 * Of its own for a master that was removed: starting it again helps nobody, and a supervisor can be told so. And for one
 * whose state is wrong: started again it comes back with the others' state.
 */
const exitCode = (cause: Cause.Cause<unknown>): number => {
  if (Cause.hasInterruptsOnly(cause)) return 0
  const error = Cause.squash(cause)
  if (error instanceof StateDiverged) return 4
  return isOfRemoved(error) ? 3 : 1
}

NodeRuntime.runMain(Effect.scoped(program), {
  disableErrorReporting: true,
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : exitCode(exit.cause))
})
