/** Makes a deployment's error from what failed: nginx's own words, the file and line they name, and whose file that is. */
import type { DeploymentError, DeploymentStep } from "@nxmesh/protocol/model/Deployment"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { Complaint } from "@nxmesh/core/nginx/Complaint"
import { complaintsIn } from "@nxmesh/core/nginx/Complaint"
import type { TreePlace } from "@nxmesh/core/nginx/Culprit"
import { fileBlamed, twins, worst } from "@nxmesh/core/nginx/Culprit"
import type { NginxError } from "../nginx/NginxError.ts"
import type { RenderFailure } from "./TreeRenderer.ts"

const text = (message: string): string => message.slice(0, WireLimits.deploymentErrorCharactersMax)

/** From nginx's output. `fallback` is used when no line of it can be read. */
export const fromOutput = (
  step: DeploymentStep,
  output: string,
  fallback: string,
  place: TreePlace
): DeploymentError => {
  const complaint = worst(complaintsIn(output))
  const file = complaint === null ? null : fileBlamed(complaint, place)
  return {
    step,
    message: text(complaint?.message ?? (output.trim() === "" ? fallback : output.trim())),
    file: file?.path ?? complaint?.file ?? null,
    line: complaint?.line ?? null,
    resource: file?.resource ?? null
  }
}

/** Two servers of one name on one socket: nginx warns, serves one, and the other is silently dead. That fails a deployment. */
export const conflict = (complaints: ReadonlyArray<Complaint>, place: TreePlace): DeploymentError | null => {
  for (const complaint of complaints) {
    const owners = twins(complaint, place)
    const ignored = owners.at(-1)
    if (ignored === undefined) continue // no conflict, or one between two files that are not ours: as it was before
    const message = `${complaint.message}: ${owners.map(({ path }) => path).join(" and ")}`
    const inTwo = owners.length > 1 ? message : `${message}, and configuration that NxMesh does not manage`
    return { step: "test", message: text(inTwo), file: ignored.path, line: null, resource: ignored.resource }
  }
  return null
}

export const fromError = (
  step: DeploymentStep,
  error: NginxError | FileError | RenderFailure,
  place: TreePlace
): DeploymentError => {
  switch (error._tag) {
    case "NginxError":
      return fromOutput(step, error.output ?? "", error.message, place)
    case "RenderFailure":
      return { step, message: text(error.message), file: error.file, line: error.line, resource: error.resource }
    case "FileError":
      return { step, message: text(error.message), file: null, line: null, resource: null }
  }
}
