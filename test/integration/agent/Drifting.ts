/** Runs a test body with a deployer and the watch for drift, on a real nginx in a prefix of its own. */
import { AlertBoard } from "@nxmesh/agent/alerts/AlertBoard"
import { DriftOffers } from "@nxmesh/agent/drift/DriftOffers"
import { DriftWatch } from "@nxmesh/agent/drift/DriftWatch"
import { HeldBundle } from "@nxmesh/agent/bundle/HeldBundle"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import { CurrentPolicy } from "@nxmesh/agent/policy/CurrentPolicy"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import { Supervisor } from "@nxmesh/agent/nginx/Supervisor"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { agentPolicyDefault, type DriftPolicy } from "@nxmesh/protocol/model/AgentPolicy"
import type { Drift } from "@nxmesh/protocol/model/Drift"
import { Effect, Layer } from "effect"
import { readFile, readlink } from "node:fs/promises"
import { join } from "node:path"
import {
  dataDirectory,
  deployerLayer,
  freePort,
  nextDeploymentId,
  order,
  temporaryInstance,
  treeRenderer,
  Trees,
  until
} from "./Instance.ts"

const layer = (instance: NginxInstanceSettings, trees: Trees) =>
  DriftWatch.layer(dataDirectory(instance)).pipe(
    Layer.provideMerge(Layer.mergeAll(DriftOffers.layer, AlertBoard.layer, Metrics.layer)),
    Layer.provide(treeRenderer(instance, trees)),
    Layer.provideMerge(deployerLayer(instance, trees))
  )

const tools = (instance: NginxInstanceSettings, trees: Trees) =>
  Effect.gen(function* () {
    const deployer = yield* Deployer
    const held = yield* HeldBundle
    const policy = yield* CurrentPolicy
    const watch = yield* DriftWatch
    const board = yield* AlertBoard
    const { exclusive } = yield* Supervisor
    let index = (yield* deployer.order)?.index ?? 0
    const apply = Effect.fnUntraced(function* (files: ReadonlyArray<RenderedFile>) {
      index += 1
      const bundle = trees.bundle(files)
      const outcome = yield* deployer.apply({ deploymentId: nextDeploymentId(), bundle, order: order(index) })
      if (outcome.status === "settled") yield* held.keep(bundle)
      return outcome
    })
    /** Where a file of the settled tree lies. */
    const place = (path: string) =>
      Effect.map(deployer.current, ({ directory }) => join(instance.confDirectory, directory, path))
    return {
      deployer,
      exclusive,
      held,
      instance,
      offers: yield* DriftOffers,
      port: yield* freePort,
      apply,
      place,
      alerts: board.current,
      drift: watch.current,
      text: (path: string) => Effect.flatMap(place(path), (at) => Effect.promise(() => readFile(at, "utf8"))),
      /** Has the watch look now, and not when it would by itself. */
      look: Effect.flatMap(policy.get, policy.set),
      link: Effect.promise(() => readlink(join(instance.confDirectory, "current"))),
      setDrift: (drift: DriftPolicy) => policy.set({ ...agentPolicyDefault, drift }),
      /** Waits for a report of drift that is as the test expects. */
      reported: Effect.fnUntraced(function* (isIt: (drift: Drift) => boolean) {
        yield* until(Effect.map(watch.current, (drift) => drift !== null && isIt(drift)))
        const drift = yield* watch.current
        return drift ?? (yield* Effect.die("the drift went away"))
      })
    }
  })
export type DriftTools = Effect.Success<ReturnType<typeof tools>>

/** With an instance that the test made: a second watch on it is an agent that started again. */
export const driftingOn = <A, E, R>(
  instance: NginxInstanceSettings,
  trees: Trees,
  body: (tools: DriftTools) => Effect.Effect<A, E, R>
) => Effect.flatMap(tools(instance, trees), body).pipe(Effect.provide(layer(instance, trees)))

export const drifting = <A, E, R>(body: (tools: DriftTools) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(temporaryInstance, (instance) => driftingOn(instance, new Trees(), body))
