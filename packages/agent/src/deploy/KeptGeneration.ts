/** Generation directories that are still there: which generation they are, and their files for another directory. */
import { Effect } from "effect"
import { readdir, readFile, stat } from "node:fs/promises"
import { join, relative } from "node:path"
import { FileError } from "@nxmesh/core/file/FileError"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import type { Served } from "./Attempt.ts"
import { sequenceOf } from "./DirectoryName.ts"
import { entryFile, proofFile, withDeploymentId } from "./GenerationDirectory.ts"
import type { Rendering } from "./TreeRenderer.ts"

const marker = /^# nxmesh generation ([0-9a-f]{64}) deployment ([0-9a-f-]{36})\b/m

/** What a directory's entry file says it is; `null` when it is not a generation of ours. */
export const find = (confDirectory: string, directory: string): Effect.Effect<Served | null> =>
  sequenceOf(directory) === null
    ? Effect.succeed(null)
    : Effect.promise(() => readFile(join(confDirectory, directory, entryFile), "utf8").catch(() => "")).pipe(
        Effect.map((entry) => {
          const match = marker.exec(entry)
          return match?.[1] === undefined || match[2] === undefined
            ? null
            : { directory, generation: Generation.make(match[1]), deploymentId: DeploymentId.make(match[2]) }
        })
      )

/** The directory that a deployment made, also when a way back gave it another id since; `null` when none is kept. */
export const findDeployment = (confDirectory: string, deploymentId: DeploymentId): Effect.Effect<Served | null> =>
  Effect.promise(async () => {
    const names = (await readdir(confDirectory).catch(() => [])).filter((name) => sequenceOf(name) !== null)
    const entries = await Promise.all(
      names.map(
        async (name) => [name, await readFile(join(confDirectory, name, entryFile), "utf8").catch(() => "")] as const
      )
    )
    const named = (word: string) => entries.find(([, entry]) => entry.includes(` ${word} ${deploymentId}`))?.[0]
    return named("deployment") ?? named("was") ?? null
  }).pipe(Effect.flatMap((name) => (name === null ? Effect.succeed(null) : find(confDirectory, name))))

export const missing = (directory: string): string =>
  `there is no generation "${directory}" any more; the last few settled ones are kept`

export interface Copy {
  readonly from: string
  readonly to: string
  readonly deploymentId: DeploymentId
}

const readFiles = async (root: string): Promise<ReadonlyArray<RenderedFile>> => {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files: Array<RenderedFile> = []
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const [content, { mode }] = await Promise.all([readFile(path, "utf8"), stat(path)])
    files.push({ path: relative(root, path), content, mode: (mode & 0o077) === 0 ? 0o600 : 0o644, resource: null })
  }
  return files
}

/** The files of a kept generation as another directory has them: absolute paths and ids are the only difference. */
export const copy = (
  confDirectory: string,
  { from, to, deploymentId }: Copy,
  /** The same directory, as nginx sees it. */
  seenByNginx: string = confDirectory
): Effect.Effect<Rendering, FileError> =>
  Effect.tryPromise({
    try: () => readFiles(join(confDirectory, from)),
    catch: (cause) => new FileError({ operation: "read the generation", path: join(confDirectory, from), cause })
  }).pipe(
    Effect.map((files) => ({
      warnings: [],
      files: files.map((file) => {
        const moved = file.content.replaceAll(`${seenByNginx}/${from}/`, `${seenByNginx}/${to}/`)
        const carriesId = file.path === entryFile || file.path === proofFile
        return { ...file, content: carriesId ? withDeploymentId(file.path, moved, deploymentId) : moved }
      })
    }))
  )
