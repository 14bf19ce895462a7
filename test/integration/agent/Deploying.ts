/** Runs a test body with a deployer on a real nginx in a prefix of its own. */
import { Effect } from "effect"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import type { JournalObserver } from "@nxmesh/agent/deploy/Journal"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import { Supervisor } from "@nxmesh/agent/nginx/Supervisor"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { deployerLayer, freePort, nextDeploymentId, order, temporaryInstance, Trees } from "./Instance.ts"

export interface Tools {
  readonly deployer: Deployer["Service"]
  readonly supervisor: Supervisor["Service"]
  readonly instance: NginxInstanceSettings
  readonly trees: Trees
  /** Free when the test began. */
  readonly port: number
  /** Applies a tree of these files, each time with a higher order. */
  readonly apply: (files: ReadonlyArray<RenderedFile>) => Effect.Effect<DeploymentOutcome>
}

/** With an instance that the test made: a second deployer on it is an agent that started again. */
export const deployingOn = <A, E, R>(
  instance: NginxInstanceSettings,
  trees: Trees,
  body: (tools: Tools) => Effect.Effect<A, E, R>,
  observe?: JournalObserver
) =>
  Effect.gen(function* () {
    const deployer = yield* Deployer
    const supervisor = yield* Supervisor
    const port = yield* freePort
    let index = (yield* deployer.order)?.index ?? 0
    const apply = (files: ReadonlyArray<RenderedFile>) => {
      index += 1
      return deployer.apply({
        deploymentId: nextDeploymentId(),
        bundle: trees.bundle(files),
        order: order(index)
      })
    }
    return yield* body({ deployer, supervisor, instance, trees, port, apply })
  }).pipe(Effect.provide(deployerLayer(instance, trees, observe)))

export const deploying = <A, E, R>(body: (tools: Tools) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(temporaryInstance, (instance) => deployingOn(instance, new Trees(), body))
