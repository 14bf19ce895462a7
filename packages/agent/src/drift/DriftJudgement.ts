/** What counts as drift: what settled, beside what was found. Pure. */
import type { DriftKind } from "@nxmesh/protocol/model/Drift"
import type { NginxBuild, Outside, SettledFile, SettledTree } from "./SettledTree.ts"

export type FoundType = "file" | "link" | "directory" | "other"

/** One entry of the directory, as lstat(2) shows it. */
export interface FoundEntry {
  readonly type: FoundType
  /** `null` for what is no file, cannot be read, or has another size than what settled. */
  readonly sha256: string | null
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Of its status (ctime), in milliseconds since 1970: nobody can set it back. */
  readonly changedMillis: number
}

export interface TreeFacts {
  /** By path in the directory, directories too. Hidden entries are left out: nginx's globs do not see them. */
  readonly entries: ReadonlyMap<string, FoundEntry>
  /** What `current` names; `null` when it is no link. */
  readonly linkTarget: string | null
  readonly linkChangedMillis: number
  /** Of the directory itself. */
  readonly rootChangedMillis: number
}

export interface OutsideFacts extends Outside {
  /** The file that the master was started from, as it is on disk; `null` when it is gone. */
  readonly onDisk: NginxBuild | null
  readonly binaryPath: string
}

export interface Finding {
  readonly kind: DriftKind
  /** In the tree, or absolute. */
  readonly path: string
  /** What differs where a comparison of texts does not show it; `null` when it does. */
  readonly detail: string | null
  /** When it came to be so, in milliseconds since 1970: nginx workers that started later may have read it. */
  readonly changedMillis: number
}

const octal = (mode: number): string => mode.toString(8).padStart(4, "0")

const typeName: Readonly<Record<FoundType, string>> = {
  file: "a file",
  link: "a symbolic link",
  directory: "a directory",
  other: "a special file"
}

/** What is wrong with one file; `null`: nothing. */
const difference = (settled: SettledFile, found: FoundEntry): { readonly detail: string | null } | null => {
  if (found.type !== "file") return { detail: `it is ${typeName[found.type]}` }
  if (found.sha256 !== settled.sha256) return { detail: null }
  const details = [
    ...(found.mode === settled.mode ? [] : [`mode ${octal(found.mode)}, was ${octal(settled.mode)}`]),
    ...(found.uid === settled.uid && found.gid === settled.gid
      ? []
      : [`owner ${found.uid}:${found.gid}, was ${settled.uid}:${settled.gid}`])
  ]
  return details.length === 0 ? null : { detail: details.join("; ") }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))

/** When a name was removed or its parent replaced. */
const removedMillis = (path: string, { entries, rootChangedMillis }: TreeFacts): number => {
  for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) {
    const found = entries.get(parent)
    if (found !== undefined) return found.changedMillis
  }
  return rootChangedMillis
}

/** Of the tree and the link: what a revert puts back. */
export const judgeTree = (settled: SettledTree, facts: TreeFacts): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  if (facts.linkTarget !== settled.directory) {
    const detail = `it names ${facts.linkTarget === null ? "nothing" : `"${facts.linkTarget}"`}, and "${settled.directory}" settled`
    findings.push({ kind: "link", path: "current", detail, changedMillis: facts.linkChangedMillis })
  }
  for (const [path, file] of Object.entries(settled.files)) {
    const found = facts.entries.get(path)
    if (found === undefined) {
      findings.push({ kind: "missing", path, detail: null, changedMillis: removedMillis(path, facts) })
      continue
    }
    const differs = difference(file, found)
    if (differs !== null)
      findings.push({ kind: "changed", path, detail: differs.detail, changedMillis: found.changedMillis })
  }
  for (const [path, found] of facts.entries) {
    // A directory by itself holds nothing that nginx reads.
    if (found.type === "directory" || settled.files[path] !== undefined) continue
    const detail = found.type === "file" ? null : `it is ${typeName[found.type]}`
    findings.push({ kind: "added", path, detail, changedMillis: found.changedMillis })
  }
  return findings
}

const differingPaths = (
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>
): ReadonlyArray<readonly [path: string, detail: string]> =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted().flatMap((path) => {
    if (before[path] === after[path]) return []
    return [[path, before[path] === undefined ? "added" : after[path] === undefined ? "removed" : "changed"] as const]
  })

const named = ({ sha256, version }: NginxBuild): string => `nginx ${version} (${sha256.slice(0, 12)})`

const judgeBinary = (settled: Outside, { binaryPath, build, onDisk }: OutsideFacts): ReadonlyArray<Finding> => {
  const finding = (detail: string): Finding => ({ kind: "binary", path: binaryPath, detail, changedMillis: 0 })
  if (onDisk === null) return [finding(`${named(build)} runs, and its file is gone: nginx could not be started again`)]
  if (onDisk.sha256 !== build.sha256) {
    return [
      finding(`${named(build)} runs, and the file is ${named(onDisk)}: it runs after "upgrade_binary" or a restart`)
    ]
  }
  if (build.sha256 === settled.build.sha256) return []
  return [
    finding(`nginx was upgraded from ${named(settled.build)} to ${named(build)}; its capabilities are read again`)
  ]
}

/** Of what is not the agent's: only ever reported. */
export const judgeOutside = (settled: Outside, facts: OutsideFacts): ReadonlyArray<Finding> => [
  ...judgeBinary(settled, facts),
  ...differingPaths(settled.modules, facts.modules).map(([path, detail]): Finding => ({
    kind: "modules",
    path,
    detail,
    changedMillis: 0
  })),
  ...differingPaths(settled.foreign, facts.foreign).map(([path, detail]): Finding => ({
    kind: "foreign",
    path,
    detail,
    changedMillis: 0
  }))
]

/** Another build runs, by intent: it was told once, and from then on it is what counts. */
export const isUpgraded = (settled: Outside, { build, onDisk }: OutsideFacts): boolean =>
  build.sha256 !== settled.build.sha256 && onDisk?.sha256 === build.sha256

/**
 * Whether a worker may have read what was found. Workers count their start in ticks of 10 ms from boot, and the clock may have
 * been set since, so there is a margin; in doubt a reload is due.
 */
export const mayBeLoaded = (
  findings: ReadonlyArray<Finding>,
  workersStartedMillis: ReadonlyArray<number>,
  marginMillis: number
): boolean =>
  findings.some(({ changedMillis }) => workersStartedMillis.some((started) => started + marginMillis >= changedMillis))
