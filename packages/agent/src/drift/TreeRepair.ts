/** Puts the settled files back, each whole or not at all, and takes away what was added. */
import { Effect } from "effect"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import { FileError } from "@nxmesh/core/file/FileError"
import { lchown, lstat, mkdir, rename, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { sequenceOf } from "../deploy/DirectoryName.ts"
import * as GenerationDirectory from "../deploy/GenerationDirectory.ts"
import type { Finding } from "./DriftJudgement.ts"
import type { FindText } from "./SettledText.ts"
import type { SettledFile, SettledTree } from "./SettledTree.ts"

const attempt = <A>(operation: string, path: string, run: () => Promise<A>): Effect.Effect<A, FileError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

const statsOf = (path: string) => lstat(path).catch(() => null)

/** Makes `directory` below `root` a real one, whatever stands there: a link would lead the files elsewhere. */
const makeReal = (root: string, directory: string): Effect.Effect<void, FileError> =>
  attempt("make the directory", join(root, directory), async () => {
    const steps = directory === "." ? [] : directory.split("/")
    for (let depth = 0; depth <= steps.length; depth++) {
      const path = join(root, ...steps.slice(0, depth))
      if ((await statsOf(path))?.isDirectory() === true) continue
      await rm(path, { force: true })
      await mkdir(path, { mode: 0o755 })
    }
  })

/** Paths in other generations that are the same file by hard link: an edit in place changed them too. */
const sharing = Effect.fnUntraced(function* (
  confDirectory: string,
  directory: string,
  path: string
): Effect.fn.Return<ReadonlyArray<string>, FileError> {
  const stats = yield* Effect.promise(() => statsOf(join(confDirectory, directory, path)))
  if (stats === null || !stats.isFile() || stats.nlink < 2) return []
  const names = (yield* GenerationDirectory.list(confDirectory)).filter((name) => sequenceOf(name) !== null)
  const others = names.filter((name) => name !== directory).map((name) => join(confDirectory, name, path))
  const found = yield* Effect.forEach(others, (other) => Effect.promise(() => statsOf(other)))
  return others.filter((_, index) => found[index]?.ino === stats.ino && found[index].dev === stats.dev)
})

const putBack = Effect.fnUntraced(function* (
  confDirectory: string,
  directory: string,
  path: string,
  text: string,
  { gid, mode, uid }: SettledFile
): Effect.fn.Return<void, FileError> {
  const root = join(confDirectory, directory)
  const shared = yield* sharing(confDirectory, directory, path)
  yield* makeReal(root, dirname(path))
  const place = join(root, path)
  yield* attempt("clear", place, async () => {
    if ((await statsOf(place))?.isDirectory() === true) await rm(place, { recursive: true, force: true })
  })
  for (const target of [place, ...shared]) {
    yield* AtomicFile.write(target, text, { mode })
    const stats = yield* attempt("look at", target, () => lstat(target))
    if (stats.uid !== uid || stats.gid !== gid) yield* attempt("chown", target, () => lchown(target, uid, gid))
  }
})

/** A directory in the link's place may hold someone's work: it is put aside under a hidden name, which nginx does not read. */
const relink = Effect.fnUntraced(function* (
  confDirectory: string,
  directory: string
): Effect.fn.Return<void, FileError> {
  const link = join(confDirectory, GenerationDirectory.linkName)
  yield* attempt("put aside", link, async () => {
    if ((await statsOf(link))?.isDirectory() !== true) return
    const aside = join(confDirectory, `.${GenerationDirectory.linkName}.found`)
    await rm(aside, { recursive: true, force: true })
    await rename(link, aside)
  })
  yield* GenerationDirectory.swap(confDirectory, directory)
})

/**
 * Puts back what the findings name; the paths whose settled text is nowhere any more are answered and left as found. The link
 * comes last, so that it never names a tree that is not whole.
 */
export const repair = Effect.fn("TreeRepair.repair")(function* (
  confDirectory: string,
  settled: SettledTree,
  findings: ReadonlyArray<Finding>,
  findText: FindText
): Effect.fn.Return<ReadonlyArray<string>, FileError> {
  const { directory } = settled
  const unknown: Array<string> = []
  for (const { kind, path } of findings) {
    const file = settled.files[path]
    if (kind === "added") {
      const place = join(confDirectory, directory, path)
      yield* attempt("remove", place, () => rm(place, { recursive: true, force: true }))
    } else if (file !== undefined) {
      const text = yield* findText(path)
      if (text === null) unknown.push(path)
      else yield* putBack(confDirectory, directory, path, text, file)
    }
  }
  if (findings.some(({ kind }) => kind === "link") && unknown.length === 0) yield* relink(confDirectory, directory)
  return unknown
})
