/**
 * Generation directories and the `current` link, durable in this order: files, the directories that name them, the
 * configuration directory, and after the swap the configuration directory again. A power cut at any point leaves the
 * link on a whole tree.
 */
import { Effect } from "effect"
import { access, readdir, readFile, readlink, rename, rm, symlink } from "node:fs/promises"
import { join } from "node:path"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import { syncPath, syncPaths } from "@nxmesh/core/file/Durable"
import { FileError } from "@nxmesh/core/file/FileError"
import { Limits } from "../Limits.ts"
import * as BoundedCommand from "../nginx/BoundedCommand.ts"
import { superfluous } from "./DirectoryName.ts"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { TreeMemory } from "./TreeMemory.ts"
import * as TreeWriter from "./TreeWriter.ts"

const attempt = <A>(operation: string, path: string, run: () => Promise<A>): Effect.Effect<A, FileError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

/** Of the link to the generation that serves. */
export const linkName = "current"
/** The one file that `current/*.conf` matches; it says which generation and deployment this is. */
export const entryFile = "nxmesh.conf"
/** The proof server, which answers with the deployment id. */
export const proofFile = "http/90-proof.conf"

/**
 * New files are fsynced one by one while they are few. A first deployment of thousands would wait for as many commits of
 * the filesystem's journal; syncfs(2), by `sync -f`, makes one. Linked files have been durable since they were written.
 */
const syncFiles = Effect.fnUntraced(function* (directory: string, files: ReadonlyArray<string>) {
  if (files.length <= Limits.fsyncFilesMax) return yield* syncPaths(files)
  const together = yield* Effect.result(
    BoundedCommand.run({ program: "sync", arguments: ["-f", directory], timeout: Limits.nginxTestTimeout })
  )
  if (together._tag === "Failure" || together.success.exitCode !== 0) yield* syncPaths(files)
})

/** Writes a tree into a new directory; durable when it succeeds. */
export const stage = Effect.fn("GenerationDirectory.stage")(function* (
  confDirectory: string,
  name: string,
  previous: string | null,
  files: ReadonlyArray<RenderedFile>,
  memory: TreeMemory = new TreeMemory()
): Effect.fn.Return<TreeWriter.Written, FileError> {
  const from = previous === null ? null : join(confDirectory, previous)
  const written = yield* TreeWriter.write(join(confDirectory, name), from, files, memory)
  yield* syncFiles(join(confDirectory, name), written.files)
  for (const directory of written.directories) yield* syncPath(directory)
  yield* syncPath(confDirectory)
  return written
})

/** Which directory `current` names, or `null` when there is no link. */
export const current = (confDirectory: string): Effect.Effect<string | null, FileError> =>
  attempt("read the link", join(confDirectory, linkName), () => readlink(join(confDirectory, linkName))).pipe(
    Effect.map((target) => target.replace(/^\.\//, "").replace(/\/+$/, "")),
    Effect.catch((error) => (error.code === "ENOENT" ? Effect.succeed(null) : Effect.fail(error)))
  )

/** Points `current` at a directory: a new relative link, renamed over the old one, and the directory fsynced. */
export const swap = Effect.fn("GenerationDirectory.swap")(function* (
  confDirectory: string,
  name: string
): Effect.fn.Return<void, FileError> {
  const link = join(confDirectory, linkName)
  const next = join(confDirectory, `.${linkName}.next`)
  yield* attempt("swap the link", link, async () => {
    await rm(next, { force: true })
    await symlink(name, next)
    await rename(next, link)
  }).pipe(Effect.uninterruptible)
  yield* syncPath(confDirectory)
})

/** Whether a generation is there, by its entry file. */
export const exists = (confDirectory: string, name: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    access(join(confDirectory, name, entryFile)).then(
      () => true,
      () => false
    )
  )

export const remove = (confDirectory: string, name: string): Effect.Effect<void, FileError> =>
  attempt("remove", join(confDirectory, name), () => rm(join(confDirectory, name), { recursive: true, force: true }))

export const list = (confDirectory: string): Effect.Effect<ReadonlyArray<string>, FileError> =>
  attempt("list", confDirectory, () => readdir(confDirectory))

/** Removes what is beyond the generations kept. The link's target stays, and so does everything in `isProtected`. */
export const prune = Effect.fn("GenerationDirectory.prune")(function* (
  confDirectory: string,
  isProtected: ReadonlySet<string>
): Effect.fn.Return<ReadonlyArray<string>, FileError> {
  const target = yield* current(confDirectory)
  const names = superfluous(
    yield* list(confDirectory),
    Limits.generationsKeptMax,
    target === null ? isProtected : new Set([...isProtected, target])
  )
  yield* Effect.forEach(names, (name) => remove(confDirectory, name), { discard: true })
  return names
})

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/**
 * One of the two files that carry a deployment id, with another id in it. The entry file keeps the first one, by which the masters
 * know the tree.
 */
export const withDeploymentId = (path: string, content: string, deploymentId: string): string =>
  path === proofFile
    ? content.replace(uuid, deploymentId)
    : content.replace(
        /(# nxmesh generation \S+ deployment )(\S+)(?: was (\S+))?/,
        (_, marker: string, before: string, first: string = before) => `${marker}${deploymentId} was ${first}`
      )

/**
 * Gives a settled tree another deployment id, for the way back: an answer with this id can only come from workers
 * that started after it. The files are replaced whole, so the generations that share them by hard link keep theirs.
 */
export const reidentify = Effect.fn("GenerationDirectory.reidentify")(function* (
  confDirectory: string,
  name: string,
  deploymentId: string
): Effect.fn.Return<void, FileError> {
  for (const file of [proofFile, entryFile]) {
    const path = join(confDirectory, name, file)
    const content = yield* attempt("read", path, () => readFile(path, "utf8"))
    yield* AtomicFile.write(path, withDeploymentId(file, content, deploymentId), { mode: 0o644 })
  }
})
