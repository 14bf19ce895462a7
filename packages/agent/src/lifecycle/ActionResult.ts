/** What came of an action, before it is an outcome with an id and times. */
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { ActionStatus } from "@nxmesh/protocol/model/AgentAction"
import type { DeploymentError, DeploymentStep } from "@nxmesh/protocol/model/Deployment"
import type { FileError } from "@nxmesh/core/file/FileError"
import * as FailureReport from "../deploy/FailureReport.ts"
import type { NginxError } from "../nginx/NginxError.ts"

export interface ActionResult {
  readonly status: ActionStatus
  readonly message: string
  readonly errors: ReadonlyArray<DeploymentError>
}

const result =
  (status: ActionStatus) =>
  (message: string, errors: ReadonlyArray<DeploymentError> = []): ActionResult => ({
    status,
    message: message.slice(0, WireLimits.deploymentErrorCharactersMax),
    errors: errors.slice(0, WireLimits.actionErrorsMax)
  })

export const done = result("done")
export const unchanged = result("unchanged")
export const failed = result("failed")
export const refused = result("refused")

/** A refusal of the agent's is no failure of nginx: nothing was tried. */
export const fromError = (step: DeploymentStep, error: NginxError | FileError): ActionResult => {
  if (error._tag === "NginxError" && (error.reason === "refused" || error.reason === "stopped")) {
    return refused(error.message)
  }
  const spoken = error._tag === "NginxError" && error.output !== undefined
  return failed(error.message, spoken ? [FailureReport.fromError(step, error, { directory: "", files: [] })] : [])
}
