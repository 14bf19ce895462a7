/**
 * Writes the files of a tree, hard-linking from the previous generation what did not change. The calls are synchronous,
 * a few at a time between turns of other fibers: 15,000 files cost a third of what the thread pool's round trips make them.
 */
import { Effect } from "effect"
import { chmodSync, closeSync, fstatSync, linkSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, isAbsolute, join, normalize } from "node:path"
import { FileError } from "@nxmesh/core/file/FileError"
import { Limits } from "../Limits.ts"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"

export interface Written {
  /** Files that were written anew, as paths. */
  readonly files: ReadonlyArray<string>
  readonly linkedFiles: number
  /** Every directory made, deepest first: a directory is fsynced after what it names. */
  readonly directories: ReadonlyArray<string>
}

/**
 * True when the previous file has the same bytes and mode. The content is compared rather than trusted from a
 * manifest: a file that someone edited in place must not live on in the next generation.
 */
const isSame = (path: string, { content, mode }: RenderedFile): boolean => {
  try {
    const descriptor = openSync(path, "r")
    try {
      const { mode: found, size } = fstatSync(descriptor)
      const expected = Buffer.byteLength(content)
      return (found & 0o777) === mode && size === expected && readFileSync(descriptor, "utf8") === content
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return false // not there or not readable: written anew, where a real fault shows itself
  }
}

const isInside = (path: string): boolean => !isAbsolute(path) && path === normalize(path) && !path.startsWith("..")

const place = (directory: string, previous: string | null, file: RenderedFile): string | null => {
  if (!isInside(file.path)) throw new Error(`the rendered path "${file.path}" leaves the generation's directory`)
  const path = join(directory, file.path)
  if (previous !== null && isSame(join(previous, file.path), file)) {
    linkSync(join(previous, file.path), path)
    return null
  }
  writeFileSync(path, file.content, { mode: file.mode, flag: "wx" })
  chmodSync(path, file.mode) // whatever the umask is
  return path
}

const parents = (files: ReadonlyArray<RenderedFile>): ReadonlyArray<string> => {
  const names = new Set<string>()
  for (const { path } of files) {
    for (let name = dirname(path); name !== "." && !names.has(name); name = dirname(name)) names.add(name)
  }
  return [...names].toSorted()
}

const attempt = <A>(operation: string, path: string, run: () => A): Effect.Effect<A, FileError> =>
  Effect.try({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

/** Makes `directory` and writes the tree into it. `previous` is the path of the generation to link from. */
export const write = Effect.fn("TreeWriter.write")(function* (
  directory: string,
  previous: string | null,
  files: ReadonlyArray<RenderedFile>
): Effect.fn.Return<Written, FileError> {
  const names = parents(files)
  yield* attempt("make the generation", directory, () => {
    mkdirSync(directory, { mode: 0o755 })
    for (const name of names) mkdirSync(join(directory, name), { recursive: true, mode: 0o755 })
  })
  const written: Array<string> = []
  for (let start = 0; start < files.length; start += Limits.stageFilesPerTurn) {
    yield* attempt("write the generation", directory, () => {
      for (const file of files.slice(start, start + Limits.stageFilesPerTurn)) {
        const path = place(directory, previous, file)
        if (path !== null) written.push(path)
      }
    })
    yield* Effect.yieldNow
  }
  return {
    files: written,
    linkedFiles: files.length - written.length,
    directories: [...names.map((name) => join(directory, name)).toReversed(), directory]
  }
})
