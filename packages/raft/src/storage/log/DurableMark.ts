/**
 * How far the log is known to be durable, in a file of its own. `durableTo` in every record (RecordFormat.ts) proves
 * that what is before it was durable, for all but the newest records; the mark does it for those, from another sector.
 *
 * It is written after a flush and is not flushed itself: what it says is always true, and never more than a hint of what
 * is true by now. A mark that cannot be read proves nothing, and is replaced.
 *
 * ```
 * 0 "RAFTMARK"   8 u32 checksum of the rest   12 u32 segment   16 u32 offset   20 u32 zero
 * ```
 */
import { join } from "node:path"
import { crc32c } from "../Crc32c.ts"
import type { File, FileSystem } from "../file/FileSystem.ts"
import { systemCall } from "../file/SystemCall.ts"
import { viewOf } from "./RecordFormat.ts"

export interface LogPosition {
  readonly segment: number
  readonly offset: number
}

const markName = "mark"
const magic = new TextEncoder().encode("RAFTMARK")
const markBytes = 24

export class DurableMark {
  private readonly path: string
  private readonly file: File
  private readonly bytes = new Uint8Array(markBytes)
  private readonly view = viewOf(this.bytes)

  constructor(files: FileSystem, directory: string) {
    this.path = join(directory, markName)
    const exists = systemCall("list", directory, null, () => files.list(directory)).includes(markName)
    this.file = systemCall("open", this.path, null, () => files.open(this.path, exists ? "existing" : "create"))
  }

  read(): LogPosition | null {
    const bytes = new Uint8Array(markBytes)
    const have = systemCall("read", this.path, 0, () => this.file.read(bytes, 0))
    const view = viewOf(bytes)
    if (have < markBytes || magic.some((byte, i) => bytes[i] !== byte)) return null
    if (view.getUint32(8, true) !== crc32c(bytes, 12)) return null
    return { segment: view.getUint32(12, true), offset: view.getUint32(16, true) }
  }

  write({ offset, segment }: LogPosition): void {
    this.bytes.set(magic)
    this.view.setUint32(12, segment, true)
    this.view.setUint32(16, offset, true)
    this.view.setUint32(8, crc32c(this.bytes, 12), true)
    systemCall("write", this.path, 0, () => this.file.write(this.bytes, 0))
  }

  close(): void {
    this.file.close()
  }
}
