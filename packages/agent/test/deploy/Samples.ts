import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import type { DeploymentError, DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import type { Attempt, Served } from "../../src/deploy/Attempt.ts"

export const deploymentId = (number: number): DeploymentId =>
  DeploymentId.make(`00000000-0000-4000-8000-${String(number).padStart(12, "0")}`)
export const generation = (number: number): Generation => Generation.make(number.toString(16).padStart(64, "0"))

export const served: Served = {
  directory: "20260302143000-000001",
  deploymentId: deploymentId(1),
  generation: generation(1)
}
export const attempt: Attempt = {
  directory: "20260302143001-000002",
  deploymentId: deploymentId(2),
  generation: generation(2),
  previous: served
}
export const failure = (message: string): DeploymentError => ({
  step: "test",
  message,
  file: null,
  line: null,
  resource: null
})
export const outcome: DeploymentOutcome = {
  id: deploymentId(2),
  generation: generation(2),
  status: "settled",
  started_at: "2026-03-02T14:30:00.000Z",
  finished_at: "2026-03-02T14:30:01.000Z",
  serving_after_millis: 5,
  settled_after_millis: 100,
  serving_generation: generation(2),
  warnings: [],
  error: null
}
