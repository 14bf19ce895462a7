/** Looks at what nginx is and reads beside the tree: its binary, its dynamic modules, and the configuration around ours. */
import { Effect } from "effect"
import { globSync, readdirSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { Limits } from "../Limits.ts"
import * as Container from "../nginx/Container.ts"
import { versionWritten } from "../nginx/NginxBinary.ts"
import { asNginxSees, type NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as ProcessTable from "../nginx/ProcessTable.ts"
import * as SidecarTest from "../nginx/SidecarTest.ts"
import type { OutsideFacts } from "./DriftJudgement.ts"
import { type FileHashes, readRegular } from "./FileHashes.ts"
import { includesIn, isGlob, isOfTree } from "./ForeignIncludes.ts"

const quietly = <A>(read: () => A): A | null => {
  try {
    return read()
  } catch {
    return null // gone or not to be read: then it is not among what was found, and its absence is the finding
  }
}

/** The agent's path of a path of nginx's. */
type Here = (path: string) => string

interface Build {
  readonly version: string
  readonly modulesDirectory: string | null
}

/** What binaries say of themselves, by their hash: read from the file, because one that was replaced is not run for it. */
export type KnownBuilds = Map<string, Build>

const buildOf = Effect.fnUntraced(function* (path: string, sha256: string, known: KnownBuilds) {
  const before = known.get(sha256)
  if (before !== undefined) return before
  const text = (yield* versionWritten(path)) ?? ""
  const build: Build = {
    version: /nginx version: [^/\s]*\/(\S+)/.exec(text)?.[1] ?? "of an unknown version",
    modulesDirectory: /--modules-path=(\S+)/.exec(text)?.[1]?.replace(/['"]/g, "") ?? null
  }
  if (known.size >= 8) known.clear()
  known.set(sha256, build)
  return build
})

const hashed = (path: string, hashes: FileHashes, bytesMax: number): string | null => {
  const stats = quietly(() => statSync(path))
  return stats === null || !stats.isFile() ? null : hashes.of(path, stats, bytesMax, "follow")
}

const modulesIn = (directory: string | null, here: Here, hashes: FileHashes): Record<string, string> => {
  const found: Record<string, string> = {}
  if (directory === null) return found
  const names = quietly(() => readdirSync(here(directory))) ?? []
  for (const name of names.toSorted().slice(0, Limits.moduleFilesMax)) {
    const path = join(directory, name)
    const sha256 = quietly(() => hashed(here(path), hashes, Limits.nginxBinaryBytesMax))
    if (sha256 !== null) found[path] = sha256
  }
  return found
}

/** nginx.conf and what it includes, but for the generations, which are judged file by file. */
const foreignFrom = (
  configuration: string,
  { confDirectory }: { readonly confDirectory: string },
  root: string | null,
  here: Here,
  hashes: FileHashes
): Record<string, string> => {
  const found: Record<string, string> = {}
  const waiting = [configuration]
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (found[path] !== undefined || Object.keys(found).length >= Limits.foreignFilesMax) continue
    const place = path
    const sha256 = quietly(() => hashed(here(place), hashes, Limits.foreignFileBytesMax))
    if (sha256 === null) continue
    found[path] = sha256
    const text =
      quietly(() => readRegular(here(place), Limits.foreignFileBytesMax, "follow"))?.bytes.toString("utf8") ?? ""
    for (const pattern of includesIn(text, dirname(configuration))) {
      if (isOfTree(pattern, confDirectory)) continue
      const matches = isGlob(pattern)
        ? (quietly(() => globSync((root ?? "") + pattern)) ?? [])
        : [(root ?? "") + pattern]
      for (const match of matches.toSorted()) waiting.push(match.slice(root?.length ?? 0))
    }
  }
  return found
}

/** `null` while no nginx runs: what it would be and read is not known then. */
export const scanOutside = Effect.fn("OutsideScan.scan")(function* (
  instance: NginxInstanceSettings,
  hashes: FileHashes,
  builds: KnownBuilds
): Effect.fn.Return<OutsideFacts | null> {
  const master = yield* Effect.orElseSucceed(NginxProcess.find(instance.pidFile), () => null)
  if (master === null) return null
  const configuration = yield* Effect.orElseSucceed(SidecarTest.configurationFile(instance, master), () => null)
  const running = hashed(master.executable, hashes, Limits.nginxBinaryBytesMax)
  const link = ProcessTable.link(master.pid, "exe")
  if (configuration === null || running === null || link === null) return null
  const root = Container.rootOf(instance, master)
  const here: Here = (path) => (root === null ? path : Container.pathInside(root, path))
  const { modulesDirectory, version } = yield* buildOf(master.executable, running, builds)
  const binaryPath = link.replace(/ \(deleted\)$/, "")
  const there = quietly(() => hashed(here(binaryPath), hashes, Limits.nginxBinaryBytesMax))
  // The kernel tells the path in the agent's own root, if at all: of a sidecar what is not found there says nothing.
  const onDisk = there ?? (root === null ? null : running)
  return {
    binaryPath,
    build: { sha256: running, version },
    onDisk:
      onDisk === null ? null : { sha256: onDisk, version: (yield* buildOf(here(binaryPath), onDisk, builds)).version },
    modules: modulesIn(modulesDirectory, here, hashes),
    foreign: foreignFrom(configuration, asNginxSees(instance), root, here, hashes)
  }
})
