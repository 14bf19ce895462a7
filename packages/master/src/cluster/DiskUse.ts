/** What this master's data takes on its disk, and what is left there. */
import { lstat, readdir, statfs } from "node:fs/promises"
import { join } from "node:path"
import { Data, Effect } from "effect"

export interface DiskUse {
  /** All of the data directory. */
  readonly dataBytes: number
  /** The state alone, with what a restore left behind. */
  readonly stateBytes: number
  /** Of the file system, to a program without privileges. */
  readonly freeBytes: number
  readonly totalBytes: number
}

export class DiskUnreadable extends Data.TaggedError("DiskUnreadable")<{
  readonly path: string
  readonly cause: unknown
}> {
  override get message() {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `it cannot be found out how full the disk of ${this.path} is: ${why}`
  }
}

/** Files come and go while this counts them. */
const gone = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

const bytesIn = async (path: string): Promise<number> => {
  try {
    const found = await lstat(path)
    if (!found.isDirectory()) return found.blocks * 512
    const sizes = await Promise.all((await readdir(path)).map((name) => bytesIn(join(path, name))))
    return sizes.reduce((sum, bytes) => sum + bytes, 0)
  } catch (cause) {
    if (gone(cause)) return 0
    throw cause
  }
}

/** Counts blocks, so that what a file has reserved and not written is not told as used. */
export const diskUse = (directory: string): Effect.Effect<DiskUse, DiskUnreadable> =>
  Effect.tryPromise({
    try: async () => {
      const [fileSystem, dataBytes, stateBytes] = await Promise.all([
        statfs(directory),
        bytesIn(directory),
        bytesIn(join(directory, "state"))
      ])
      const { bavail, blocks, bsize } = fileSystem
      return { dataBytes, stateBytes, freeBytes: bavail * bsize, totalBytes: blocks * bsize }
    },
    catch: (cause) => new DiskUnreadable({ path: directory, cause })
  })
