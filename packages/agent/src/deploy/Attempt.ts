/** The parts that a deployment is spoken of by: one attempt, and what serves. */
import type { DeploymentId, Generation } from "@nxmesh/protocol/Ids"

/** A generation that settled, and where it lies. `directory` is a name in the configuration directory, not a path. */
export interface Served {
  readonly directory: string
  readonly deploymentId: DeploymentId
  readonly generation: Generation
}

/** One attempt to serve a generation; `previous` is what serves until then, and what a failure goes back to. */
export interface Attempt {
  readonly deploymentId: DeploymentId
  readonly generation: Generation
  readonly directory: string
  readonly previous: Served
}
