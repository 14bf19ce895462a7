/** Takes down what settled: from what was written, from what was known, or, when neither is there, from what lies there. */
import { Effect } from "effect"
import { lstatSync, readdirSync } from "node:fs"
import { join, relative } from "node:path"
import { getegid, geteuid } from "node:process"
import type { Served } from "../deploy/Attempt.ts"
import { Limits } from "../Limits.ts"
import { readRegular } from "./FileHashes.ts"
import {
  identifiedFiles,
  type KnownFile,
  type Outside,
  reidentified,
  settledFile,
  type SettledTree
} from "./SettledTree.ts"
import { withDeploymentId } from "../deploy/GenerationDirectory.ts"

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Files are made with the owner that their directory was made with. */
const ownerOf = (root: string): Owner => {
  try {
    return lstatSync(root)
  } catch {
    return { uid: geteuid?.() ?? 0, gid: getegid?.() ?? 0 }
  }
}

const taken = Effect.fnUntraced(function* (
  { deploymentId, directory, generation }: Served,
  files: Iterable<readonly [string, KnownFile]>,
  owner: Owner,
  outside: Outside | null
): Effect.fn.Return<SettledTree> {
  const settled: Record<string, SettledTree["files"][string]> = {}
  const identified: Record<string, string> = {}
  let count = 0
  for (const [path, { content, mode }] of files) {
    const carriesId = identifiedFiles.includes(path)
    const isAnother = carriesId && !content.includes(deploymentId)
    const text = isAnother ? withDeploymentId(path, content, deploymentId) : content
    if (carriesId) identified[path] = text
    settled[path] = settledFile(text, mode, owner)
    count += 1
    if (count % Limits.stageFilesPerTurn === 0) yield* Effect.yieldNow
  }
  return { directory, deployment_id: deploymentId, generation, files: settled, identified, outside }
})

/** A tree of which nothing is known, file by file. */
const lying = function* (root: string): Generator<readonly [string, KnownFile]> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true })
  for (const entry of entries.filter((one) => one.isFile() && !one.name.startsWith("."))) {
    const path = join(entry.parentPath, entry.name)
    const read = readRegular(path, Limits.settledTreeBytesMax)
    if (read === null) continue
    yield [relative(root, path), { content: read.bytes.toString("utf8"), mode: read.stats.mode & 0o7777 }]
  }
}

export interface Settled {
  readonly tree: SettledTree
  /** Nothing was known of it, so what lies there is taken for what settled. */
  readonly isTrusted: boolean
}

/**
 * @param written what the deployer says that it wrote; empty when it does not know
 * @param before what was known until then, of this directory or another
 */
export const settle = Effect.fn("Settling.settle")(function* (
  confDirectory: string,
  served: Served,
  written: ReadonlyMap<string, KnownFile>,
  before: SettledTree | null,
  outside: Outside | null
): Effect.fn.Return<Settled> {
  const root = join(confDirectory, served.directory)
  if (before?.directory === served.directory && before.generation === served.generation) {
    return { tree: { ...reidentified(before, served), outside: before.outside ?? outside }, isTrusted: false }
  }
  if (written.size > 0) return { tree: yield* taken(served, written, ownerOf(root), outside), isTrusted: false }
  const files = yield* Effect.orElseSucceed(
    Effect.try(() => [...lying(root)]),
    (): ReadonlyArray<readonly [string, KnownFile]> => []
  )
  return { tree: yield* taken(served, files, ownerOf(root), outside), isTrusted: true }
})
