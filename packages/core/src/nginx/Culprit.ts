/** Which file of a rendered tree nginx's words are about, and so which resource is to blame. */
import type { Complaint } from "./Complaint.ts"
import { conflictingName } from "./Complaint.ts"
import type { RenderedFile } from "./Render.ts"

/** Where the tree lies, so that a path in a complaint names one of its files. */
export interface TreePlace {
  /** The tree's directory, as nginx sees it. */
  readonly directory: string
  readonly files: ReadonlyArray<RenderedFile>
}

const levels = ["emerg", "alert", "crit", "error"] as const

/** The complaint that matters: the worst one, the first of its level. Warnings are none. */
export const worst = (complaints: ReadonlyArray<Complaint>): Complaint | null => {
  for (const level of levels) {
    const found = complaints.find((complaint) => complaint.level === level)
    if (found !== undefined) return found
  }
  return null
}

/** The file that nginx names, or the one that listens where it could not. `null`: none of the tree, or more than one. */
export const fileBlamed = (complaint: Complaint, place: TreePlace): RenderedFile | null =>
  fileNamed(complaint, place) ?? listenerOf(complaint, place)

const fileNamed = ({ file }: Complaint, { directory, files }: TreePlace): RenderedFile | null => {
  if (file?.startsWith(`${directory}/`) !== true) return null
  const path = file.slice(directory.length + 1)
  return files.find((rendered) => rendered.path === path) ?? null
}

/** The one file that listens where `bind()` failed: nginx names the address and no file. */
const listenerOf = ({ message }: Complaint, { files }: TreePlace): RenderedFile | null => {
  const address = /^bind\(\) to (\S+):(\d+) failed/.exec(message)
  if (address === null) return null
  const listen = new RegExp(`\\blisten\\s+"?(?:[^\\s;"]*:)?${address[2]}\\b`)
  const owners = files.filter(({ content, resource }) => resource !== null && listen.test(content))
  return owners.length === 1 ? (owners[0] ?? null) : null
}

/**
 * The files with a server of the name that nginx says two servers share. It serves the first and ignores the last; when
 * there is only one, the other server is in configuration that is not ours.
 */
export const twins = (complaint: Complaint, { files }: TreePlace): ReadonlyArray<RenderedFile> => {
  const name = conflictingName(complaint)
  return name === null ? [] : files.filter(({ content }) => namesServer(content, name))
}

const namesServer = (content: string, name: string): boolean =>
  Array.from(content.matchAll(/\bserver_name\s+([^;]*);/g), (match) => match[1] ?? "").some((names) =>
    names.split(/\s+/).some((one) => one.replace(/^["']|["']$/g, "").toLowerCase() === name)
  )
