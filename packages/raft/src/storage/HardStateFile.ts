/**
 * Term, vote and commit index: two places, written in turn, so that a write that a crash tears leaves the other. Each
 * place holds its state twice, in sectors of their own, so that one damaged sector does not bring an older vote back.
 *
 * ```
 * slot n at n * 4096:   0 "RAFTHARD"   8 u32 checksum of the rest   12 u32 slot   16 u64 sequence   24 u64 term
 *                      32 u64 commit  40 u32 vote bytes (2^32 - 1: no vote)   44 vote
 * ```
 */
import { join } from "node:path"
import type { HardState } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import { crc32c } from "./Crc32c.ts"
import type { File, FileSystem } from "./file/FileSystem.ts"
import { systemCall } from "./file/SystemCall.ts"
import { readUint64, viewOf, writeUint64 } from "./log/RecordFormat.ts"
import { misuse, StorageError } from "./StorageError.ts"

export const hardStateName = "hardstate"
export const initialHardState: HardState = { term: 0, vote: null, commit: 0 }

const magic = new TextEncoder().encode("RAFTHARD")
const slotBytes = 4_096
const copies = 2
const slots = 4
const headBytes = 44
const voteBytesMax = Limits.storage.nodeIdBytesMax
const noVote = 0xffff_ffff

interface Slot {
  readonly sequence: number
  readonly state: HardState
}

const encodeSlot = ({ sequence, state }: Slot, slot: number): Uint8Array => {
  const vote = state.vote === null ? null : new TextEncoder().encode(state.vote)
  if (vote !== null && vote.length > voteBytesMax) throw misuse(`a node id has more than ${voteBytesMax} bytes`)
  const bytes = new Uint8Array(headBytes + voteBytesMax)
  const view = viewOf(bytes)
  bytes.set(magic)
  view.setUint32(12, slot, true)
  writeUint64(view, 16, sequence)
  writeUint64(view, 24, state.term)
  writeUint64(view, 32, state.commit)
  view.setUint32(40, vote === null ? noVote : vote.length, true)
  if (vote !== null) bytes.set(vote, headBytes)
  view.setUint32(8, crc32c(bytes, 12), true)
  return bytes
}

const decodeSlot = (file: Uint8Array, slot: number): Slot | null => {
  const bytes = file.subarray(slot * slotBytes, slot * slotBytes + headBytes + voteBytesMax)
  if (bytes.length < headBytes + voteBytesMax || magic.some((byte, i) => bytes[i] !== byte)) return null
  const view = viewOf(bytes)
  if (view.getUint32(8, true) !== crc32c(bytes, 12) || view.getUint32(12, true) !== slot) return null
  const length = view.getUint32(40, true)
  const vote = length === noVote ? null : new TextDecoder().decode(bytes.subarray(headBytes, headBytes + length))
  const state = { term: readUint64(view, 24), vote, commit: readUint64(view, 32) }
  return { sequence: readUint64(view, 16), state }
}

export class HardStateFile {
  private readonly path: string
  private readonly file: File
  private sequence: number
  private isDirty = false
  private latest: HardState

  private constructor(path: string, file: File, { sequence, state }: Slot) {
    this.path = path
    this.file = file
    this.sequence = sequence
    this.latest = state
  }

  /** Makes it, durable under its name only when it is whole. */
  static create(files: FileSystem, directory: string): HardStateFile {
    const path = join(directory, hardStateName)
    const temporary = `${path}.partial`
    const file = systemCall("create", temporary, null, () => files.open(temporary, "create"))
    const first: Slot = { sequence: 1, state: initialHardState }
    systemCall("write", temporary, null, () => {
      file.write(new Uint8Array(slots * slotBytes), 0)
      for (let slot = 0; slot < slots; slot++) file.write(encodeSlot(first, slot), slot * slotBytes)
      file.sync()
      files.rename(temporary, path)
      files.syncDirectory(directory)
    })
    return new HardStateFile(path, file, first)
  }

  /**
   * Reads it, and writes what it read once more to the place it came from: it may be in the kernel's cache only, and
   * this node is about to keep the promises in it.
   */
  static open(files: FileSystem, directory: string): HardStateFile {
    const path = join(directory, hardStateName)
    const file = systemCall("open", path, null, () => files.open(path, "existing"))
    const bytes = new Uint8Array(slots * slotBytes)
    const have = systemCall("read", path, 0, () => file.read(bytes, 0))
    let newest: Slot | null = null
    for (let slot = 0; slot < slots; slot++) {
      const found = decodeSlot(bytes.subarray(0, have), slot)
      if (found !== null && found.sequence > (newest?.sequence ?? 0)) newest = found
    }
    if (newest === null) {
      file.close()
      const detail =
        "term and vote cannot be read: all copies are damaged, and a node that forgot its vote must not go on"
      throw new StorageError({ reason: "Damaged", file: path, offset: 0, detail })
    }
    const opened = new HardStateFile(path, file, newest)
    opened.isDirty = true
    opened.write(newest.state)
    opened.sync()
    return opened
  }

  get state(): HardState {
    return this.latest
  }

  /** Durable only after `sync`; until then what was there before still is. */
  write(state: HardState): void {
    // The place not yet flushed is written again, never the one that holds the last durable state.
    if (!this.isDirty) this.sequence += 1
    this.isDirty = true
    this.latest = state
    const pair = (this.sequence % 2) * copies
    for (let slot = pair; slot < pair + copies; slot++) {
      const bytes = encodeSlot({ sequence: this.sequence, state }, slot)
      systemCall("write", this.path, slot * slotBytes, () => this.file.write(bytes, slot * slotBytes))
    }
  }

  sync(): void {
    if (!this.isDirty) return
    systemCall("flush", this.path, null, () => this.file.sync())
    this.isDirty = false
  }

  close(): void {
    this.file.close()
  }
}
