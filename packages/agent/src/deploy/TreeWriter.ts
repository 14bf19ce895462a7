/**
 * Writes the files of a tree, hard-linking from the previous generation what did not change. The calls are synchronous,
 * a few at a time between turns of other fibers: 15,000 files cost a third of what the thread pool's round trips make them.
 */
import { Effect } from "effect"
import { chmodSync, linkSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, isAbsolute, join, normalize } from "node:path"
import { FileError } from "@nxmesh/core/file/FileError"
import { Limits } from "../Limits.ts"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { type RememberedTree, type TreeMemory, unchanged, written } from "./TreeMemory.ts"

export interface Written {
  /** Files that were written anew, as paths. */
  readonly files: ReadonlyArray<string>
  readonly linkedFiles: number
  /** Every directory made, deepest first: a directory is fsynced after what it names. */
  readonly directories: ReadonlyArray<string>
}

const isInside = (path: string): boolean => !isAbsolute(path) && path === normalize(path) && !path.startsWith("..")

interface Trees {
  readonly directory: string
  /** To link from. */
  readonly previous: string | null
  readonly before: RememberedTree
  readonly after: RememberedTree
}

/** Puts one file in its place; its path when it was written, `null` when it was linked. */
const place = ({ after, before, directory, previous }: Trees, file: RenderedFile): string | null => {
  if (!isInside(file.path)) throw new Error(`the rendered path "${file.path}" leaves the generation's directory`)
  const path = join(directory, file.path)
  const from = previous === null ? null : join(previous, file.path)
  const same = from === null ? null : unchanged(from, file, before.get(file.path))
  if (from !== null && same !== null) {
    linkSync(from, path)
    after.set(file.path, same)
    return null
  }
  writeFileSync(path, file.content, { mode: file.mode, flag: "wx" })
  chmodSync(path, file.mode) // whatever the umask is
  after.set(file.path, written(path, file))
  return path
}

const parents = (files: ReadonlyArray<RenderedFile>): ReadonlyArray<string> => {
  const names = new Set<string>()
  for (const { path } of files) {
    for (let name = dirname(path); name !== "." && !names.has(name); name = dirname(name)) names.add(name)
  }
  return [...names].toSorted()
}

/** Directories that hold a key: nobody else needs to know even their names. */
const secretParents = (files: ReadonlyArray<RenderedFile>): ReadonlySet<string> =>
  new Set(files.filter(({ mode }) => mode === 0o600).map(({ path }) => dirname(path)))

const attempt = <A>(operation: string, path: string, run: () => A): Effect.Effect<A, FileError> =>
  Effect.try({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

/**
 * Makes `directory` and writes the tree into it. `previous` is the path of the generation to link from. Its files are
 * compared, and not taken for what they were meant to be: one that someone edited in place must not live on.
 */
export const write = Effect.fn("TreeWriter.write")(function* (
  directory: string,
  previous: string | null,
  files: ReadonlyArray<RenderedFile>,
  memory: TreeMemory
): Effect.fn.Return<Written, FileError> {
  const names = parents(files)
  const secret = secretParents(files)
  yield* attempt("make the generation", directory, () => {
    mkdirSync(directory, { mode: 0o755 })
    for (const name of names) {
      mkdirSync(join(directory, name), { recursive: true, mode: secret.has(name) ? 0o700 : 0o755 })
    }
  })
  const trees: Trees = { directory, previous, before: memory.of(previous), after: new Map() }
  const anew: Array<string> = []
  for (let start = 0; start < files.length; start += Limits.stageFilesPerTurn) {
    yield* attempt("write the generation", directory, () => {
      for (const file of files.slice(start, start + Limits.stageFilesPerTurn)) {
        const path = place(trees, file)
        if (path !== null) anew.push(path)
      }
    })
    yield* Effect.yieldNow
  }
  memory.remember(directory, trees.after)
  return {
    files: anew,
    linkedFiles: files.length - anew.length,
    directories: [...names.map((name) => join(directory, name)).toReversed(), directory]
  }
})
