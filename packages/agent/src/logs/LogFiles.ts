/** The files of a log as they are in its directory. */
import { createHash } from "node:crypto"
import { type FileHandle, open, readdir, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { Limits } from "../Limits.ts"
import type { FileSeen, Head } from "./LogPosition.ts"

const compressed = /\.(?:gz|xz|bz2|zst|lz4|zip)$/

/** All bytes from an offset that are there, up to a number. */
export const readAt = async (handle: FileHandle, offset: number, bytesMax: number): Promise<Buffer> => {
  const buffer = Buffer.allocUnsafe(bytesMax)
  let filled = 0
  while (filled < bytesMax) {
    const { bytesRead } = await handle.read(buffer, filled, bytesMax - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** What identifies the first bytes of a file. */
export const headOf = (beginning: Buffer): Head => ({
  bytes: beginning.length,
  sha256: createHash("sha256").update(beginning).digest("hex")
})

export const beginsAs =
  (beginning: Buffer) =>
  (head: Head): boolean =>
    beginning.length >= head.bytes && headOf(beginning.subarray(0, head.bytes)).sha256 === head.sha256

/** An open file. */
export const seenOpen = async (handle: FileHandle, path: string): Promise<FileSeen> => {
  const { ino, mtimeMs, size } = await handle.stat()
  const beginning = await readAt(handle, 0, Math.min(size, Limits.logHeadBytes))
  return { path, inode: String(ino), size, modifiedMillis: mtimeMs, beginsAs: beginsAs(beginning) }
}

/** `null` for what is not there, is no regular file, or may not be read. */
export const seen = async (path: string): Promise<FileSeen | null> => {
  const found = await stat(path).catch(() => null)
  if (found?.isFile() !== true) return null // a pipe or a terminal would block whoever opens it
  const handle = await open(path, "r").catch(() => null)
  if (handle === null) return null
  try {
    return await seenOpen(handle, path)
  } finally {
    await handle.close()
  }
}

/** Files beside a log whose names begin with its own, those that are compressed aside; the newest when there are very many. */
export const siblings = async (path: string): Promise<ReadonlyArray<FileSeen>> => {
  const name = basename(path)
  const names = await readdir(dirname(path)).catch(() => [])
  const rotated = names.filter((other) => other !== name && other.startsWith(name) && !compressed.test(other))
  const files = await Promise.all(
    rotated.slice(0, 4 * Limits.logSiblingsMax).map((one) => seen(join(dirname(path), one)))
  )
  return files
    .filter((file) => file !== null)
    .toSorted((left, right) => right.modifiedMillis - left.modifiedMillis)
    .slice(0, Limits.logSiblingsMax)
}
