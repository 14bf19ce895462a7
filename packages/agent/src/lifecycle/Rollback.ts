/** Serves a kept deployment again, by the id that the master knows it by. */
import { Effect } from "effect"
import type { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { DeploymentId } from "@nxmesh/protocol/Ids"
import type { Deployer } from "../deploy/Deployer.ts"
import * as KeptGeneration from "../deploy/KeptGeneration.ts"
import type { Outcomes } from "../link/Outcomes.ts"
import * as ProofAnswer from "../nginx/ProofAnswer.ts"
import { type ActionResult, done, failed, refused, unchanged } from "./ActionResult.ts"
import type { Tools } from "./NginxActions.ts"

export interface RollbackTools extends Tools {
  readonly identifiers: Identifiers["Service"]
  readonly outcomes: Outcomes["Service"]
}

/** The outcome of the deployment that it makes goes to the masters as any does. */
export const rollback = Effect.fn("Rollback.rollback")(function* (
  { deployer, identifiers, instance, outcomes, wish }: RollbackTools,
  to: DeploymentId
): Effect.fn.Return<ActionResult> {
  if ((yield* wish.get) === "stopped") return refused("nginx was stopped on request: start it first")
  const kept = yield* KeptGeneration.findDeployment(instance.confDirectory, to)
  if (kept === null) {
    return refused(`deployment ${to} is not kept any more: an agent keeps the last few settled ones`)
  }
  const current: Deployer["Service"]["current"] = deployer.current
  const { deploymentId, directory } = yield* current
  const answer = yield* ProofAnswer.ask(instance.runtimeDirectory)
  if (directory === kept.directory && answer?.deploymentId === deploymentId) {
    return unchanged(`deployment ${to} serves already`)
  }
  const outcome = yield* deployer.rollback({
    deploymentId: DeploymentId.make(yield* identifiers.uuid),
    directory: kept.directory
  })
  yield* outcomes.add(outcome)
  const { error, id, status } = outcome
  if (status === "settled") return done(`deployment ${to} serves again, as deployment ${id}`)
  return failed(
    `deployment ${to} could not be served again (${status}): ${error?.message ?? "no reason was given"}`,
    error === null ? [] : [error]
  )
})
