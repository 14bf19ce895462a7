/**
 * How far a log was read, and where to go on after it was rotated, copied and truncated, or replaced. Pure: what is in the
 * directory is given.
 */
import { Schema } from "effect"

const Natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** The beginning of a file, by which it is known again: an inode's number is used again, and a copy has another one. */
export const Head = Schema.Struct({ bytes: Natural, sha256: Schema.String })
export type Head = typeof Head.Type

/** A place in one file. */
export const LogPosition = Schema.Struct({ inode: Schema.String, offset: Natural, head: Head })
export type LogPosition = typeof LogPosition.Type

/** A file that is there: the log itself, or one beside it whose name begins with the log's. */
export interface FileSeen {
  readonly path: string
  readonly inode: string
  readonly size: number
  readonly modifiedMillis: number
  /** Whether the file begins as a position says that its file does. */
  readonly beginsAs: (head: Head) => boolean
}

/** Where to read, from an offset. `rest`: a copy, which nobody appends to. */
export interface ToRead {
  readonly path: string
  readonly inode: string
  readonly offset: number
  readonly rest: boolean
}

const from = ({ inode, path }: FileSeen, offset: number, rest = false): ToRead => ({ path, inode, offset, rest })

/** The file of a position, wherever it was moved to. */
const fileOf = (position: LogPosition, files: ReadonlyArray<FileSeen>): FileSeen | null =>
  files.find((file) => file.inode === position.inode && file.size >= position.offset && file.beginsAs(position.head)) ??
  null

/** The copy that was made of a file before it was truncated. An empty beginning is every file's. */
export const copyOf = (position: LogPosition, files: ReadonlyArray<FileSeen>): ToRead | null => {
  if (position.head.bytes === 0) return null
  const copies = files.filter(
    (file) => file.inode !== position.inode && file.size >= position.offset && file.beginsAs(position.head)
  )
  const newest = copies.reduce<FileSeen | null>(
    (best, file) => (best === null || file.modifiedMillis > best.modifiedMillis ? file : best),
    null
  )
  return newest === null ? null : from(newest, position.offset, true)
}

/** Where a log that was never read begins: all of a log of the agent's own, and what comes from now on of another. */
export type Beginning = "start" | "end"

export interface Resumed {
  /** In the order in which they were written. */
  readonly toRead: ReadonlyArray<ToRead>
  /** Positions whose file is gone: what was not read of it is lost. */
  readonly lost: number
}

/**
 * What a start reads: the rest of every file that was being read, then the files that the log was rotated into meanwhile, then
 * the log.
 *
 * @param live the log itself; `null` while there is none
 * @param siblings files beside it that are not compressed
 */
export const resume = (
  positions: ReadonlyArray<LogPosition>,
  live: FileSeen | null,
  siblings: ReadonlyArray<FileSeen>,
  beginning: Beginning
): Resumed => {
  if (positions.length === 0) {
    return { toRead: live === null ? [] : [from(live, beginning === "start" ? 0 : live.size)], lost: 0 }
  }
  const files = live === null ? siblings : [...siblings, live]
  const toRead: Array<ToRead> = []
  let lost = 0
  let newestMillis = -Infinity
  for (const position of positions) {
    const file = fileOf(position, files)
    const place = file === null ? copyOf(position, files) : from(file, position.offset)
    if (place === null) lost += 1
    else {
      // A directory that was restored from a backup has the same files with other inodes.
      toRead.push({ ...place, rest: place.rest && place.path !== live?.path })
      newestMillis = Math.max(newestMillis, files.find(({ path }) => path === place.path)?.modifiedMillis ?? -Infinity)
    }
  }
  const known = new Set(toRead.map(({ inode }) => inode))
  const between =
    newestMillis === -Infinity
      ? []
      : siblings
          .filter(({ inode, modifiedMillis }) => !known.has(inode) && modifiedMillis > newestMillis)
          .toSorted((left, right) => left.modifiedMillis - right.modifiedMillis)
          .map((file) => from(file, 0))
  const rest = live === null || known.has(live.inode) ? [] : [from(live, 0)]
  const placed = (place: ToRead) => (place.inode === live?.inode ? 1 : 0)
  return { toRead: [...toRead, ...between].toSorted((a, b) => placed(a) - placed(b)).concat(rest), lost }
}

/** What became of a file that is being read. */
export const changeOf = (
  position: LogPosition,
  open: Pick<FileSeen, "size" | "beginsAs">
): "truncated" | "grown" | "same" => {
  if (open.size < position.offset || !open.beginsAs(position.head)) return "truncated"
  return open.size > position.offset ? "grown" : "same"
}
