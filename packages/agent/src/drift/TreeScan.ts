/** Looks at a generation's directory and at the link, a few files at a time between turns of other fibers. */
import { Effect } from "effect"
import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs"
import { join } from "node:path"
import { linkName } from "../deploy/GenerationDirectory.ts"
import { Limits } from "../Limits.ts"
import type { FoundEntry, FoundType, TreeFacts } from "./DriftJudgement.ts"
import type { FileHashes } from "./FileHashes.ts"
import type { SettledTree } from "./SettledTree.ts"

const quietly = <A>(read: () => A): A | null => {
  try {
    return read()
  } catch {
    return null // not there, or not to be read: a fact like any other here
  }
}

const typeOf = (stats: Stats): FoundType =>
  stats.isFile() ? "file" : stats.isSymbolicLink() ? "link" : stats.isDirectory() ? "directory" : "other"

const entry = (stats: Stats, sha256: string | null): FoundEntry => ({
  type: typeOf(stats),
  sha256,
  mode: stats.mode & 0o7777,
  uid: stats.uid,
  gid: stats.gid,
  changedMillis: stats.ctimeMs
})

/** Whether nginx's globs see it: glob(3) matches no leading dot, and editors' own files begin with one. */
const isVisible = (name: string): boolean => !name.startsWith(".")

const targetOf = (link: string): string | null =>
  quietly(() => readlinkSync(link))
    ?.replace(/^\.\//, "")
    .replace(/\/+$/, "") ?? null

/** What is there now. A file of another size than what settled is not read. */
export const scan = Effect.fn("TreeScan.scan")(function* (
  confDirectory: string,
  settled: SettledTree,
  hashes: FileHashes
): Effect.fn.Return<TreeFacts> {
  const root = join(confDirectory, settled.directory)
  const entries = new Map<string, FoundEntry>()
  const look = (path: string): FoundEntry | null => {
    const stats = quietly(() => lstatSync(join(root, path)))
    if (stats === null) return null
    const file = settled.files[path]
    const isRead = file !== undefined && stats.isFile() && stats.size === file.bytes
    return entry(stats, isRead ? hashes.of(join(root, path), stats, file.bytes) : null)
  }
  const entriesMax = Object.keys(settled.files).length + Limits.driftEntriesMax
  const rootStats = quietly(() => lstatSync(root))
  // A link in place of the directory leads to files that are not ours.
  const waiting: Array<string> = rootStats?.isDirectory() === true ? [""] : []
  let looked = 0
  for (let directory = waiting.shift(); directory !== undefined; directory = waiting.shift()) {
    for (const name of quietly(() => readdirSync(join(root, directory))) ?? []) {
      if (!isVisible(name) || entries.size >= entriesMax) continue
      const path = directory === "" ? name : `${directory}/${name}`
      const found = look(path)
      looked += 1
      if (looked % Limits.stageFilesPerTurn === 0) yield* Effect.yieldNow
      if (found === null) continue
      entries.set(path, found)
      if (found.type === "directory" && path.split("/").length < Limits.driftDepthMax) waiting.push(path)
    }
  }
  const link = join(confDirectory, linkName)
  const linkStats = quietly(() => lstatSync(link))
  const above = rootStats ?? quietly(() => lstatSync(confDirectory))
  return {
    entries,
    linkTarget: targetOf(link),
    linkChangedMillis: linkStats?.ctimeMs ?? above?.ctimeMs ?? 0,
    rootChangedMillis: above?.ctimeMs ?? 0
  }
})
