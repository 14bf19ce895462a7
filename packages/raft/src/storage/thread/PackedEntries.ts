/**
 * Entries as one block of bytes, which moves to another thread without a copy. (A structured clone of a small view copies
 * the whole buffer that it looks at, which may be a network packet of a megabyte.)
 *
 * Each: u32 kind   u32 bytes of data   u64 index   u64 term   data
 */
import type { Entry } from "../../core/Types.ts"
import { decodeConfiguration, entryData } from "../log/EntryFormat.ts"
import { readUint64, RecordKind, viewOf, writeUint64 } from "../log/RecordFormat.ts"

const headBytes = 24

export const packEntries = (entries: ReadonlyArray<Entry>): Uint8Array<ArrayBuffer> => {
  const datas = entries.map(entryData)
  const size = datas.reduce((sum, data) => sum + headBytes + data.length, 0)
  const bytes = new Uint8Array(size)
  const view = viewOf(bytes)
  let at = 0
  for (const [i, entry] of entries.entries()) {
    const data = datas[i] as Uint8Array
    view.setUint32(at, RecordKind[entry.kind], true)
    view.setUint32(at + 4, data.length, true)
    writeUint64(view, at + 8, entry.index)
    writeUint64(view, at + 16, entry.term)
    bytes.set(data, at + headBytes)
    at += headBytes + data.length
  }
  return bytes
}

/** Entries in blocks of about `bytesMax`. */
export const packBlocks = (entries: ReadonlyArray<Entry>, bytesMax: number): ReadonlyArray<Uint8Array<ArrayBuffer>> => {
  const blocks: Array<Uint8Array<ArrayBuffer>> = []
  let from = 0
  let bytes = 0
  for (const [i, entry] of entries.entries()) {
    bytes += headBytes + (entry.kind === "Command" ? entry.data.length : 0)
    if (bytes < bytesMax && i + 1 < entries.length) continue
    blocks.push(packEntries(entries.slice(from, i + 1)))
    from = i + 1
    bytes = 0
  }
  return blocks
}

/** The data of commands looks at `bytes`. Throws RangeError when they are not packed entries. */
export const unpackEntries = (bytes: Uint8Array): ReadonlyArray<Entry> => {
  const view = viewOf(bytes)
  const entries: Array<Entry> = []
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at + 4, true)
    if (at + headBytes + length > bytes.length) throw new RangeError(`entry ${entries.length} has no end`)
    const data = bytes.subarray(at + headBytes, at + headBytes + length)
    const kind = view.getUint32(at, true)
    entries.push(entryOf(kind, readUint64(view, at + 8), readUint64(view, at + 16), data))
    at += headBytes + length
  }
  return entries
}

const entryOf = (kind: number, index: number, term: number, data: Uint8Array): Entry => {
  switch (kind) {
    case RecordKind.Empty:
      return { kind: "Empty", index, term }
    case RecordKind.Command:
      return { kind: "Command", index, term, data }
    case RecordKind.Configuration:
      return { kind: "Configuration", index, term, configuration: decodeConfiguration(data) }
    default:
      throw new RangeError(`there is no kind ${kind} of entry`)
  }
}
