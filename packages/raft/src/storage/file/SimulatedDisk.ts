/**
 * A disk in memory that does what disks do at their worst, for crash tests and simulation. It keeps apart what is
 * durable and what is only visible to the running process, and a crash decides anew, for each sector and each name,
 * which of the two there is afterwards.
 */
import { basename, dirname, join } from "node:path"
import type { File, FileSystem, Lock } from "./FileSystem.ts"

/** What a power cut leaves of the writes that no flush confirmed. */
export type Survival =
  /** None. */
  | { readonly kind: "none" }
  /** All. */
  | { readonly kind: "all" }
  /** The first `count` sectors that were written, in the order of writing, and `tornBytes` of the next. */
  | { readonly kind: "prefix"; readonly count: number; readonly tornBytes: number }
  /** Those for which the function says so: later ones without earlier ones too. */
  | { readonly kind: "chosen"; readonly survives: () => boolean }
  /** As `chosen`, and of the others every byte that would have changed is noise. */
  | { readonly kind: "garbled"; readonly survives: () => boolean; readonly noise: () => number }

export interface DiskFault {
  /** Counts from 1 over every operation that changes the disk. */
  readonly operation: number
  /** `cut`: the power goes before it. `EIO` and `ENOSPC`: it fails; of a write, a part may have happened. */
  readonly kind: "cut" | "EIO" | "ENOSPC"
}

/** Thrown in place of an operation when the power is cut, and by every one after it. */
export class PowerCut extends Error {
  override readonly message = "the power is cut"
}

interface Inode {
  visible: Uint8Array
  size: number
  durable: Uint8Array
  /** In the order of writing: the sectors touched since the last flush, each as it was then. */
  pending: Array<{ readonly sector: number; readonly bytes: Uint8Array }>
}

type NameChange =
  | { readonly kind: "link"; readonly path: string; readonly inode: Inode }
  | { readonly kind: "unlink"; readonly path: string }
  /** A directory got another name, and so all in it, at once. */
  | { readonly kind: "move"; readonly moves: ReadonlyArray<Move> }

interface Move {
  readonly from: string
  readonly to: string
  readonly inode: Inode
}

export const sectorBytes = 512

const systemError = (code: string, operation: string): Error =>
  Object.assign(new Error(`${code}: ${operation} (simulated)`), { code })

const grow = (bytes: Uint8Array, size: number): Uint8Array => {
  if (bytes.length >= size) return bytes
  const larger = new Uint8Array(Math.max(size, bytes.length * 2))
  larger.set(bytes)
  return larger
}

export class SimulatedDisk implements FileSystem {
  /** Operations that changed something, so far. */
  operations = 0
  /** What happened, one word each: a test that wants every kind of boundary can count them. */
  readonly history: Array<string> = []
  private fault: DiskFault | null = null
  private isOff = false
  private names = new Map<string, Inode>()
  private durableNames = new Map<string, Inode>()
  private nameChanges: Array<NameChange> = []
  private readonly locks = new Set<string>()

  failAt(fault: DiskFault | null): void {
    this.fault = fault
  }

  /** The power comes back: what there is now is durable. Open files of before are of no use any more. */
  restart(survival: Survival): void {
    const budget = { left: survival.kind === "prefix" ? survival.count : 0 }
    // Names are journalled in their order: a prefix of the changes survives.
    for (const change of this.nameChanges) {
      if (!survivesName(survival)) break
      apply(change, this.durableNames)
    }
    const inodes = new Set([...this.names.values(), ...this.durableNames.values()])
    for (const inode of inodes) settle(inode, survival, budget)
    this.names = new Map(this.durableNames)
    this.nameChanges = []
    this.locks.clear()
    this.fault = null
    this.isOff = false
  }

  /** Another disk with the same history, to try two outcomes of one crash. */
  copy(): SimulatedDisk {
    const copies = new Map<Inode, Inode>()
    const copyOf = (inode: Inode): Inode => {
      const found = copies.get(inode)
      if (found !== undefined) return found
      const { durable, pending, size, visible } = inode
      const made = { visible: visible.slice(), size, durable: durable.slice(), pending: [...pending] }
      copies.set(inode, made)
      return made
    }
    const copy = new SimulatedDisk()
    copy.operations = this.operations
    copy.isOff = this.isOff
    for (const [path, inode] of this.names) copy.names.set(path, copyOf(inode))
    for (const [path, inode] of this.durableNames) copy.durableNames.set(path, copyOf(inode))
    for (const change of this.nameChanges) {
      if (change.kind === "link") copy.nameChanges.push({ ...change, inode: copyOf(change.inode) })
      else if (change.kind === "unlink") copy.nameChanges.push(change)
      else {
        const moves = change.moves.map((move) => ({ ...move, inode: copyOf(move.inode) }))
        copy.nameChanges.push({ kind: "move", moves })
      }
    }
    return copy
  }

  /** The process dies, the machine goes on: all that was written is there, and as little durable as before. */
  kill(): void {
    this.locks.clear()
    this.fault = null
    this.isOff = false
  }

  /** Changes bytes behind everybody's back. */
  damage(path: string, offset: number, change: (bytes: Uint8Array) => void): void {
    const inode = this.inode(path)
    for (const bytes of [inode.visible, inode.durable]) change(bytes.subarray(offset))
  }

  /** Everything in a file, as a process sees it. */
  content(path: string): Uint8Array {
    const inode = this.inode(path)
    return inode.visible.slice(0, inode.size)
  }

  /** What a power cut would leave of a file at least. */
  durableContent(path: string): Uint8Array {
    return this.inode(path).durable.slice()
  }

  makeDirectory(): void {
    // Directories are only prefixes of names here.
  }

  list(directory: string): ReadonlyArray<string> {
    this.assertOn()
    return [...this.names.keys()]
      .filter((path) => dirname(path) === directory)
      .map((path) => basename(path))
      .sort()
  }

  open(path: string, mode: "create" | "existing"): File {
    this.assertOn()
    const found = this.names.get(path)
    if (mode === "existing") {
      if (found === undefined) throw systemError("ENOENT", "open")
      return this.handle(found)
    }
    if (found !== undefined) throw systemError("EEXIST", "open")
    this.change("create")
    const inode: Inode = { visible: new Uint8Array(0), size: 0, durable: new Uint8Array(0), pending: [] }
    this.names.set(path, inode)
    this.nameChanges.push({ kind: "link", path, inode })
    return this.handle(inode)
  }

  rename(from: string, to: string): void {
    this.change("rename")
    if (!this.names.has(from)) return this.renameDirectory(from, to)
    const inode = this.inode(from)
    this.names.delete(from)
    this.names.set(to, inode)
    this.nameChanges.push({ kind: "link", path: to, inode }, { kind: "unlink", path: from })
  }

  private renameDirectory(from: string, to: string): void {
    if (this.list(to).length > 0) throw systemError("ENOTEMPTY", "rename")
    const moves: ReadonlyArray<Move> = this.list(from).map((name) => {
      const path = join(from, name)
      return { from: path, to: join(to, name), inode: this.inode(path) }
    })
    if (moves.length === 0) throw systemError("ENOENT", "rename")
    const change: NameChange = { kind: "move", moves }
    apply(change, this.names)
    this.nameChanges.push(change)
  }

  remove(path: string): void {
    this.change("remove")
    if (!this.names.delete(path)) throw systemError("ENOENT", "unlink")
    this.nameChanges.push({ kind: "unlink", path })
  }

  syncDirectory(): void {
    this.change("syncDirectory")
    this.durableNames = new Map(this.names)
    this.nameChanges = []
  }

  lock(path: string): Lock {
    this.assertOn()
    if (this.locks.has(path)) throw systemError("EBUSY", "lock")
    this.locks.add(path)
    return { release: () => void this.locks.delete(path) }
  }

  private inode(path: string): Inode {
    const inode = this.names.get(path)
    if (inode === undefined) throw systemError("ENOENT", "open")
    return inode
  }

  private assertOn(): void {
    if (this.isOff) throw new PowerCut()
  }

  /** One more operation that changes the disk; throws when it is the one that fails. */
  private change(name: string, beforeFailing?: () => void): void {
    this.assertOn()
    this.operations += 1
    this.history.push(name)
    if (this.fault === null || this.operations < this.fault.operation) return
    if (this.fault.kind === "cut") {
      this.isOff = true
      throw new PowerCut()
    }
    // A full disk stays full; a sector that failed once may work again, which is the trap.
    if (this.operations === this.fault.operation || this.fault.kind === "ENOSPC") {
      if (this.fault.kind === "ENOSPC" && name !== "write" && name !== "create") return
      beforeFailing?.()
      throw systemError(this.fault.kind, name)
    }
  }

  private handle(inode: Inode): File {
    return {
      write: (bytes, offset) => {
        this.change("write", () => writeTo(inode, bytes.subarray(0, bytes.length >> 1), offset))
        writeTo(inode, bytes, offset)
      },
      read: (into, offset) => {
        this.assertOn()
        const found = inode.visible.subarray(offset, Math.min(inode.size, offset + into.length))
        into.set(found)
        return found.length
      },
      sync: () => {
        // After a flush that failed the kernel takes the pages for clean, though they never got to the disk.
        this.change("sync", () => void (inode.pending = []))
        flush(inode)
      },
      size: () => inode.size,
      close: () => undefined
    }
  }
}

const apply = (change: NameChange, names: Map<string, Inode>): void => {
  if (change.kind === "link") names.set(change.path, change.inode)
  else if (change.kind === "unlink") names.delete(change.path)
  else {
    for (const { from, inode, to } of change.moves) {
      names.delete(from)
      names.set(to, inode)
    }
  }
}

const survivesName = (survival: Survival): boolean => {
  switch (survival.kind) {
    case "none":
      return false
    case "all":
      return true
    case "prefix":
      return survival.count > 0
    case "chosen":
    case "garbled":
      return survival.survives()
  }
}

const writeTo = (inode: Inode, bytes: Uint8Array, offset: number): void => {
  const end = offset + bytes.length
  inode.visible = grow(inode.visible, end)
  inode.visible.set(bytes, offset)
  inode.size = Math.max(inode.size, end)
  for (let sector = Math.floor(offset / sectorBytes); sector * sectorBytes < end; sector++) {
    const start = sector * sectorBytes
    const stop = Math.min(start + sectorBytes, inode.size)
    inode.pending.push({ sector, bytes: inode.visible.slice(start, stop) })
  }
}

const flush = (inode: Inode): void => {
  const end = inode.pending.reduce((last, { bytes, sector }) => Math.max(last, sector * sectorBytes + bytes.length), 0)
  inode.durable = growExactly(inode.durable, end)
  for (const { sector, bytes } of inode.pending) writeDurable(inode, sector, bytes)
  inode.pending = []
}

const writeDurable = (inode: Inode, sector: number, bytes: Uint8Array): void => {
  inode.durable = growExactly(inode.durable, sector * sectorBytes + bytes.length)
  inode.durable.set(bytes, sector * sectorBytes)
}

/** Decides what of the pending sectors is on the disk, and lets that be all there is. */
const settle = (inode: Inode, survival: Survival, budget: { left: number }): void => {
  let isTorn = false
  for (const { bytes, sector } of inode.pending) {
    if (survives(survival, budget)) {
      writeDurable(inode, sector, bytes)
    } else if (survival.kind === "garbled") {
      writeDurable(inode, sector, garbled(inode, sector, bytes, survival.noise))
    } else if (survival.kind === "prefix" && !isTorn) {
      isTorn = true
      writeDurable(inode, sector, bytes.subarray(0, survival.tornBytes))
    }
  }
  inode.pending = []
  inode.visible = inode.durable.slice()
  inode.size = inode.visible.length
}

const survives = (survival: Survival, budget: { left: number }): boolean => {
  if (survival.kind !== "prefix") return survivesName(survival)
  budget.left -= 1
  return budget.left >= 0
}

const garbled = (inode: Inode, sector: number, bytes: Uint8Array, noise: () => number): Uint8Array =>
  bytes.map((byte, i) => (inode.durable[sector * sectorBytes + i] === byte ? byte : noise() & 255))

const growExactly = (bytes: Uint8Array, size: number): Uint8Array => {
  if (bytes.length >= size) return bytes
  const larger = new Uint8Array(size)
  larger.set(bytes)
  return larger
}
