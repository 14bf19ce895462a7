/**
 * What a disk may hold after a power cut, by what POSIX promises and no more: the bytes of a file that was not fsynced are the old
 * ones, a part of the new ones, or none; a name that was made, renamed or removed counts from the fsync of its directory on,
 * and may have counted before. Changes of one directory reach the disk in their order. Pure.
 */
import { dirname, join } from "node:path"
import type { FileCall } from "./FileCalls.ts"

/** A file, by what it holds; shared by its hard links. */
interface Inode {
  mode: number
  /** As programs see it. */
  bytes: Buffer
  /** As it is on the disk for certain. */
  durable: Buffer
}

export type Node =
  | { readonly kind: "file"; readonly inode: Inode }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "directory" }

/** A change of a name; `null` takes it away. */
interface NameChange {
  readonly path: string
  readonly node: Node | null
  /** Changes with the same number reach the disk together: the two sides of a rename. */
  readonly group: number
}

export interface Disk {
  /** For certain. */
  readonly names: Map<string, Node>
  /** As programs see them. */
  readonly seen: Map<string, Node>
  /** Not certain yet, in order. */
  readonly pending: Array<NameChange>
  groups: number
}

export const diskOf = (names: ReadonlyMap<string, Node>): Disk => ({
  names: new Map(names),
  seen: new Map(names),
  pending: [],
  groups: 0
})

export const file = (bytes: Buffer, mode: number): Node => ({ kind: "file", inode: { bytes, durable: bytes, mode } })

const below = (names: ReadonlyMap<string, Node>, path: string) =>
  [...names.keys()].filter((name) => name === path || name.startsWith(`${path}/`))

const change = (disk: Disk, changes: ReadonlyArray<readonly [path: string, node: Node | null]>): void => {
  const group = ++disk.groups
  for (const [path, node] of changes) {
    if (node === null) disk.seen.delete(path)
    else disk.seen.set(path, node)
    disk.pending.push({ path, node, group })
  }
}

const settle = (disk: Disk, isSettled: (change: NameChange) => boolean): void => {
  const groups = new Set(disk.pending.filter(isSettled).map(({ group }) => group))
  const rest: Array<NameChange> = []
  for (const one of disk.pending) {
    if (!groups.has(one.group)) rest.push(one)
    else if (one.node === null) disk.names.delete(one.path)
    else disk.names.set(one.path, one.node)
  }
  disk.pending.splice(0, disk.pending.length, ...rest)
}

const inodeAt = (disk: Disk, path: string): Inode => {
  const node = disk.seen.get(path)
  if (node?.kind !== "file") throw new Error(`the trace writes ${path}, which is no file`)
  return node.inode
}

/** Applies one call as programs see it, and makes certain what it makes certain. */
export const step = (disk: Disk, call: FileCall): void => {
  switch (call.kind) {
    case "make":
      if (!disk.seen.has(call.path)) change(disk, [[call.path, file(Buffer.alloc(0), 0o600)]])
      return
    case "mkdir":
      if (!disk.seen.has(call.path)) change(disk, [[call.path, { kind: "directory" }]])
      return
    case "symlink":
      return change(disk, [[call.path, { kind: "symlink", target: call.target }]])
    case "link":
      return change(disk, [[call.to, disk.seen.get(call.path) ?? null]])
    case "rename": {
      const moved = below(disk.seen, call.path).flatMap((from): Array<readonly [string, Node | null]> => [
        [join(call.to, from.slice(call.path.length)), disk.seen.get(from) ?? null],
        [from, null]
      ])
      return change(disk, moved)
    }
    case "remove":
      return below(disk.seen, call.path)
        .toReversed()
        .forEach((path) => change(disk, [[path, null]]))
    case "mode":
      inodeAt(disk, call.path).mode = call.mode
      return
    case "truncate": {
      const inode = inodeAt(disk, call.path)
      inode.bytes = inode.bytes.subarray(0, call.bytes)
      return
    }
    case "write": {
      const inode = inodeAt(disk, call.path)
      const bytes = Buffer.from(call.base64, "base64")
      inode.bytes = call.append ? Buffer.concat([inode.bytes, bytes]) : bytes
      return
    }
    case "sync": {
      const node = disk.seen.get(call.path)
      if (node?.kind === "file") node.inode.durable = node.inode.bytes
      else settle(disk, ({ path }) => dirname(path) === call.path)
    }
  }
}

/** How kind the cut is. `random` in [0, 1). */
export interface Cut {
  /** Of the changes of names in a directory that are not certain: how many of the first ones last. */
  readonly names: (count: number) => number
  /** Of the bytes that are not certain; `null`: the file is as it was. */
  readonly bytes: (count: number) => Kept | null
}

interface Kept {
  /** The first ones that are there. */
  readonly count: number
  /** The file has its new length, and zeros where bytes are missing. */
  readonly zeros: boolean
}

export const nothingMore: Cut = { names: () => 0, bytes: () => null }
/** What some file systems are known for: the name is there, and the bytes are not. */
export const namesWithoutBytes: Cut = { names: (count) => count, bytes: () => ({ count: 0, zeros: false }) }
export const byChance = (random: () => number): Cut => ({
  names: (count) => Math.floor(random() * (count + 1)),
  bytes: (count) => (random() < 0.3 ? null : { count: Math.floor(random() * (count + 1)), zeros: random() < 0.5 })
})

export type Found =
  | { readonly kind: "file"; readonly bytes: Buffer; readonly mode: number }
  | Exclude<Node, { readonly kind: "file" }>

/** What was appended to bytes that are certain takes nothing away from these. */
const bytesAfter = ({ bytes, durable }: Inode, cut: Cut): Buffer => {
  if (bytes.equals(durable)) return durable
  const certain = bytes.subarray(0, durable.length).equals(durable) ? durable.length : 0
  const kept = cut.bytes(bytes.length - certain)
  if (kept === null) return durable
  const missing = kept.zeros ? bytes.length - certain - kept.count : 0
  return Buffer.concat([bytes.subarray(0, certain + kept.count), Buffer.alloc(missing)])
}

/** What is there when the power is back. */
export const afterCut = (disk: Disk, cut: Cut): ReadonlyMap<string, Found> => {
  const names = new Map(disk.names)
  const byDirectory = Map.groupBy(disk.pending, ({ path }) => dirname(path))
  const lasts = new Set<number>()
  const lost = new Set<number>()
  for (const changes of byDirectory.values()) {
    const count = cut.names(changes.length)
    changes.forEach(({ group }, at) => (at < count ? lasts : lost).add(group))
  }
  for (const { group, node, path } of disk.pending) {
    if (!lasts.has(group) || lost.has(group)) continue
    if (node === null) names.delete(path)
    else names.set(path, node)
  }
  const inodes = new Map<Inode, Buffer>()
  const bytesOf = (inode: Inode): Buffer => {
    const known = inodes.get(inode)
    if (known !== undefined) return known
    const bytes = bytesAfter(inode, cut)
    inodes.set(inode, bytes)
    return bytes
  }
  const isReachable = (path: string): boolean => {
    const parent = dirname(path)
    return !disk.seen.has(parent) && !names.has(parent)
      ? true
      : names.get(parent)?.kind === "directory" && isReachable(parent)
  }
  return new Map(
    [...names]
      .filter(([path]) => isReachable(path))
      .map(([path, node]): [string, Found] => [
        path,
        node.kind === "file" ? { kind: "file", bytes: bytesOf(node.inode), mode: node.inode.mode } : node
      ])
  )
}
