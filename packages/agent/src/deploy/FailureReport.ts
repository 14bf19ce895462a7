/** Makes a deployment's error from what failed: nginx's own words, the file and line they name, and whose file that is. */
import type { DeploymentError, DeploymentStep } from "@nxmesh/protocol/model/Deployment"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { FileError } from "@nxmesh/core/file/FileError"
import * as Complaint from "../nginx/Complaint.ts"
import type { NginxError } from "../nginx/NginxError.ts"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import type { RenderFailure } from "./TreeRenderer.ts"

/** Where the tree lies, so that a path in an error names one of its files. */
export interface TreePlace {
  /** The generation's directory, as nginx sees it. */
  readonly directory: string
  readonly files: ReadonlyArray<RenderedFile>
}

const levels = ["emerg", "alert", "crit", "error"] as const

/** The complaint that matters: the worst one, the first of its level. */
export const worst = (complaints: ReadonlyArray<Complaint.Complaint>): Complaint.Complaint | null => {
  for (const level of levels) {
    const found = complaints.find((complaint) => complaint.level === level)
    if (found !== undefined) return found
  }
  return null
}

const fileOf = ({ directory, files }: TreePlace, path: string | null): RenderedFile | null =>
  (path?.startsWith(`${directory}/`) === true
    ? files.find((file) => file.path === path.slice(directory.length + 1))
    : undefined) ?? null

/** The one file that listens where `bind()` failed: nginx names the address and no file. */
const listenerOf = ({ files }: TreePlace, complaint: Complaint.Complaint | null): RenderedFile | null => {
  const address = /^bind\(\) to (\S+):(\d+) failed/.exec(complaint?.message ?? "")
  if (address === null) return null
  const listen = new RegExp(`\\blisten\\s+"?(?:[^\\s;"]*:)?${address[2]}\\b`)
  const owners = files.filter(({ content, resource }) => resource !== null && listen.test(content))
  return owners.length === 1 ? (owners[0] ?? null) : null
}

const text = (message: string): string => message.slice(0, WireLimits.deploymentErrorCharactersMax)

/** From nginx's output. `fallback` is used when no line of it can be read. */
export const fromOutput = (
  step: DeploymentStep,
  output: string,
  fallback: string,
  place: TreePlace
): DeploymentError => {
  const complaint = worst(Complaint.complaintsIn(output))
  const file = fileOf(place, complaint?.file ?? null) ?? listenerOf(place, complaint)
  return {
    step,
    message: text(complaint?.message ?? (output.trim() === "" ? fallback : output.trim())),
    file: file?.path ?? complaint?.file ?? null,
    line: complaint?.line ?? null,
    resource: file?.resource ?? null
  }
}

/** Two servers of one name on one socket: nginx warns, serves one, and the other is silently dead. That fails a deployment. */
export const conflict = (complaints: ReadonlyArray<Complaint.Complaint>, place: TreePlace): DeploymentError | null => {
  for (const complaint of complaints) {
    const name = Complaint.conflictingName(complaint)
    if (name === null) continue
    const owners = place.files.filter(({ content }) => namesServer(content, name))
    if (owners.length === 0) continue // between two files that are not ours: as it was before
    const owner = owners.at(-1) // the one that nginx ignores
    const message = `${complaint.message}: ${owners.map(({ path }) => path).join(" and ")}`
    const inTwo = owners.length > 1 ? message : `${message}, and configuration that NxMesh does not manage`
    return {
      step: "test",
      message: text(inTwo),
      file: owner?.path ?? null,
      line: null,
      resource: owner?.resource ?? null
    }
  }
  return null
}

const namesServer = (content: string, name: string): boolean =>
  Array.from(content.matchAll(/\bserver_name\s+([^;]*);/g), (match) => match[1] ?? "").some((names) =>
    names.split(/\s+/).some((one) => one.replace(/^["']|["']$/g, "").toLowerCase() === name)
  )

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
