/**
 * What was written into the last generation directories, so that thousands of unchanged files need not be read to be
 * linked. A file is taken for what was written when its inode, size and time of modification are still those: writing into
 * it changes its time, and an editor that replaces it makes another inode. (The time of change cannot serve: every hard
 * link made or removed changes it.) Anything else is compared byte by byte, and so is everything after a restart.
 */
import { closeSync, fstatSync, lstatSync, openSync, readFileSync, type Stats } from "node:fs"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { Limits } from "../Limits.ts"

interface RememberedFile {
  readonly content: string
  readonly mode: RenderedFile["mode"]
  readonly inode: number
  readonly modifiedMillis: number
  readonly bytes: number
}
export type RememberedTree = Map<string, RememberedFile>

const modeOf = ({ mode }: Stats): number => mode & 0o777

const remembering = ({ content, mode }: RenderedFile, { ino, mtimeMs, size }: Stats): RememberedFile => ({
  content,
  mode,
  inode: ino,
  modifiedMillis: mtimeMs,
  bytes: size
})

const isUntouched = (known: RememberedFile, { ino, mtimeMs, size }: Stats): boolean =>
  known.inode === ino && known.modifiedMillis === mtimeMs && known.bytes === size

/** What to remember of the file at `path` when it has this content and mode; `null` when it has not. */
const inspect = (path: string, file: RenderedFile, known: RememberedFile | undefined): RememberedFile | null => {
  const { content, mode } = file
  if (known !== undefined && known.content === content) {
    const found = lstatSync(path)
    if (isUntouched(known, found)) return modeOf(found) === mode && known.mode === mode ? known : null
  }
  const descriptor = openSync(path, "r")
  try {
    const found = fstatSync(descriptor)
    const isAlike = modeOf(found) === mode && found.size === Buffer.byteLength(content)
    return isAlike && readFileSync(descriptor, "utf8") === content ? remembering(file, found) : null
  } finally {
    closeSync(descriptor)
  }
}

export class TreeMemory {
  readonly #trees = new Map<string, RememberedTree>()

  /** Of the generation at `directory`; empty when it is not remembered. */
  of(directory: string | null): RememberedTree {
    return (directory === null ? undefined : this.#trees.get(directory)) ?? new Map<string, RememberedFile>()
  }

  remember(directory: string, tree: RememberedTree): void {
    this.#trees.set(directory, tree)
    const [oldest] = this.#trees.keys()
    if (this.#trees.size > Limits.treesRememberedMax && oldest !== undefined) this.#trees.delete(oldest)
  }
}

/** What to remember of the file at `path` when it is what is wanted; `null` when it must be written anew. */
export const unchanged = (
  path: string,
  file: RenderedFile,
  known: RememberedFile | undefined
): RememberedFile | null => {
  try {
    return inspect(path, file, known)
  } catch {
    return null // not there or not readable: written anew, where a real fault shows itself
  }
}

/** What to remember of a file that was just written. */
export const written = (path: string, file: RenderedFile): RememberedFile => remembering(file, lstatSync(path))
