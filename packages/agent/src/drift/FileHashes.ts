/**
 * The SHA-256 of files, read again only when inode, size or time of modification are others than before. (The time of change
 * cannot serve: every hard link that a deployment makes changes it.) What someone hides from that, by setting the
 * time back, a reading of everything finds now and then.
 */
import { hash } from "node:crypto"
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs"

interface Known {
  readonly modifiedMillis: number
  readonly bytes: number
  readonly sha256: string
}

const keyOf = ({ dev, ino }: Stats): string => `${dev}:${ino}`

/** Whether a symbolic link is a file too: of the agent's own tree it is not. */
export type Links = "follow" | "refuse"

/** A regular file's bytes; `null` when it is none, cannot be read, or is larger. Waits for no pipe. */
export const readRegular = (
  path: string,
  bytesMax: number,
  links: Links = "refuse"
): { readonly bytes: Buffer; readonly stats: Stats } | null => {
  let descriptor: number
  try {
    const noFollow = links === "refuse" ? constants.O_NOFOLLOW : 0
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow)
  } catch {
    return null // gone, a link, or not ours to read: each is a difference that the caller sees
  }
  try {
    const stats = fstatSync(descriptor)
    return stats.isFile() && stats.size <= bytesMax ? { bytes: readFileSync(descriptor), stats } : null
  } catch {
    return null // an I/O error: the file cannot be what settled
  } finally {
    closeSync(descriptor)
  }
}

export class FileHashes {
  #known = new Map<string, Known>()
  #seen = new Map<string, Known>()

  /** @param stats of the file at `path`, by lstat, or by stat where links are followed */
  of(path: string, stats: Stats, bytesMax: number, links: Links = "refuse"): string | null {
    const known = this.#seen.get(keyOf(stats)) ?? this.#known.get(keyOf(stats))
    if (known !== undefined && known.modifiedMillis === stats.mtimeMs && known.bytes === stats.size) {
      this.#seen.set(keyOf(stats), known)
      return known.sha256
    }
    const read = readRegular(path, bytesMax, links)
    if (read === null) return null
    const sha256 = hash("sha256", read.bytes, "hex")
    this.#seen.set(keyOf(read.stats), { modifiedMillis: read.stats.mtimeMs, bytes: read.stats.size, sha256 })
    return sha256
  }

  /** Ends a round: forgets the files that it did not see. */
  endRound(): void {
    this.#known = this.#seen
    this.#seen = new Map()
  }

  /** Reads everything again in the next round. */
  forget(): void {
    this.#known = new Map()
    this.#seen = new Map()
  }
}
