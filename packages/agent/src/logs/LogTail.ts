/**
 * Reads what is appended to a log, wherever its file is moved to. A turn is bounded; between two turns nothing is held but
 * open files and numbers. What was read counts as read when the caller keeps the turn's positions: until then a restart
 * reads it again.
 */
import { Clock, Data, Duration, Effect, type Scope } from "effect"
import { type FileHandle, open, stat } from "node:fs/promises"
import { Limits } from "../Limits.ts"
import { cutLines } from "./Lines.ts"
import * as LogFiles from "./LogFiles.ts"
import { type Beginning, changeOf, copyOf, type Head, type LogPosition, resume, type ToRead } from "./LogPosition.ts"

export class LogUnreadable extends Data.TaggedError("LogUnreadable")<{
  readonly path: string
  readonly cause: unknown
}> {
  override get message(): string {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `${this.path} cannot be read: ${why}; give the agent's user the right to read it, or leave it out of NXMESH_LOG_FILES`
  }
}

export interface LogTurn {
  readonly lines: ReadonlyArray<string>
  readonly positions: ReadonlyArray<LogPosition>
  readonly tooLong: number
  /** Bytes that were left out because the reader was too far behind. */
  readonly skippedBytes: number
  /** Files that went away before all of them was read. */
  readonly lost: number
  /** There is more to read at once. */
  readonly more: boolean
}

export interface LogTail {
  readonly turn: Effect.Effect<LogTurn, LogUnreadable>
}

interface Followed {
  readonly handle: FileHandle
  readonly path: string
  readonly inode: string
  offset: number
  head: Head
  skipping: boolean
  readonly rest: boolean
  /** What the file looked like when it was last read to its end. */
  seen: string
  quietSinceNanos: bigint
}

interface Reading {
  readonly lines: Array<string>
  tooLong: number
  skippedBytes: number
  lost: number
  budget: number
}

const emptyHead = LogFiles.headOf(Buffer.alloc(0))
const positionOf = ({ head, inode, offset }: Followed): LogPosition => ({ inode, offset, head })
const quietNanos = BigInt(Duration.toMillis(Limits.rotatedLogQuiet)) * 1_000_000n

class Tail {
  #path = ""
  readonly #beginning: Beginning
  readonly #kept: ReadonlyArray<LogPosition>
  #followed: Array<Followed> = []
  #started = false

  constructor(beginning: Beginning, kept: ReadonlyArray<LogPosition>) {
    this.#beginning = beginning
    this.#kept = kept
  }

  async close(): Promise<void> {
    const open = this.#followed
    this.#followed = []
    await Promise.all(open.map(({ handle }) => handle.close()))
  }

  async turn(path: string, nowNanos: bigint): Promise<LogTurn> {
    this.#path = path
    const reading: Reading = { lines: [], tooLong: 0, skippedBytes: 0, lost: 0, budget: Limits.logTurnBytesMax }
    if (!this.#started) await this.#start(reading, nowNanos)
    else await this.#followLive(nowNanos)
    for (const file of [...this.#followed]) {
      if (reading.budget > 0) await this.#read(file, reading, nowNanos)
    }
    const more = reading.budget <= 0
    if (!more) await this.#leaveQuiet(nowNanos)
    const { budget: _, ...rest } = reading
    return { ...rest, more, positions: this.#followed.map(positionOf) }
  }

  async #start(reading: Reading, nowNanos: bigint): Promise<void> {
    const live = await LogFiles.seen(this.#path)
    const siblings = this.#kept.length === 0 ? [] : await LogFiles.siblings(this.#path)
    const { lost, toRead } = resume(this.#kept, live, siblings, this.#beginning)
    for (const place of toRead) await this.#follow(place, nowNanos)
    reading.lost += lost
    this.#started = true
  }

  async #follow(place: ToRead, nowNanos: bigint): Promise<Followed | null> {
    const handle = await open(place.path, "r").catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null
      throw cause
    })
    if (handle === null) return null
    const { ino } = await handle.stat()
    const inode = String(ino)
    // Between the look and the opening the name may have come to another file.
    const offset = inode === place.inode ? place.offset : 0
    const followed: Followed = {
      ...{ handle, path: place.path, inode, offset, head: emptyHead, skipping: false, rest: place.rest, seen: "" },
      quietSinceNanos: nowNanos
    }
    await this.#learnHead(followed)
    this.#followed.push(followed)
    return followed
  }

  /** The log's name may have come to another file: it is read too, after those before it. */
  async #followLive(nowNanos: bigint): Promise<void> {
    const live = await stat(this.#path).catch(() => null)
    if (live?.isFile() !== true) return
    const inode = String(live.ino)
    if (this.#followed.some((file) => file.inode === inode && !file.rest)) return
    await this.#follow({ path: this.#path, inode, offset: 0, rest: false }, nowNanos)
  }

  async #read(file: Followed, reading: Reading, nowNanos: bigint): Promise<void> {
    const { mtimeMs, size } = await file.handle.stat()
    const looks = `${size} ${mtimeMs}`
    if (looks === file.seen) return
    const open = await LogFiles.seenOpen(file.handle, file.path)
    if (changeOf(positionOf(file), open) === "truncated" && !(await this.#truncated(file, reading, nowNanos))) return
    const behind = size - file.offset
    if (behind > Limits.logBacklogBytesMax) {
      reading.skippedBytes += behind - Limits.logBacklogBytesMax
      file.offset = size - Limits.logBacklogBytesMax
      file.skipping = true
    }
    while (reading.budget > 0) {
      const bytes = await LogFiles.readAt(file.handle, file.offset, Math.min(reading.budget, Limits.logTurnBytesMax))
      const cut = cutLines(bytes, Limits.logLineBytesMax, file.skipping)
      for (const line of cut.lines) reading.lines.push(line)
      reading.tooLong += cut.tooLong
      reading.budget -= cut.consumed
      file.offset += cut.consumed
      file.skipping = cut.skipping
      if (cut.consumed > 0) file.quietSinceNanos = nowNanos
      // What is left is the beginning of a line: the rest of the budget may just be too small for it.
      if (cut.consumed === 0 && bytes.length > 0 && reading.budget < Limits.logLineBytesMax) reading.budget = 0
      if (cut.consumed === 0 || reading.budget <= 0) break
    }
    await this.#learnHead(file)
    if (reading.budget > 0) file.seen = looks
  }

  /** Reads the copy's rest first, where there is one. False: then this file has to wait for that. */
  async #truncated(file: Followed, reading: Reading, nowNanos: bigint): Promise<boolean> {
    const copy = copyOf(positionOf(file), await LogFiles.siblings(this.#path))
    file.offset = 0
    file.head = emptyHead
    file.skipping = false
    file.seen = ""
    if (copy === null) return true
    const place = this.#followed.indexOf(file)
    const followed = await this.#follow(copy, nowNanos)
    if (followed === null) return true
    this.#followed.pop()
    this.#followed.splice(place, 0, followed)
    await this.#read(followed, reading, nowNanos)
    return reading.budget > 0
  }

  async #learnHead(file: Followed): Promise<void> {
    const bytes = Math.min(file.offset, Limits.logHeadBytes)
    if (bytes > file.head.bytes) file.head = LogFiles.headOf(await LogFiles.readAt(file.handle, 0, bytes))
  }

  /** Leaves copies at their end, and files that were rotated away when nothing more came to them for a while. */
  async #leaveQuiet(nowNanos: bigint): Promise<void> {
    const live = this.#followed.findLast(({ rest }) => !rest)
    const isDone = (file: Followed) => file.rest || (file !== live && nowNanos - file.quietSinceNanos > quietNanos)
    const done = this.#followed.filter(isDone)
    if (done.length === 0) return
    this.#followed = this.#followed.filter((file) => !isDone(file))
    await Promise.all(done.map(({ handle }) => handle.close()))
  }
}

/**
 * @param path asked at each turn: a sidecar's files are reached by the process id of its nginx
 * @param kept the positions of an earlier turn
 */
export const make = Effect.fnUntraced(function* (
  path: Effect.Effect<string>,
  beginning: Beginning,
  kept: ReadonlyArray<LogPosition>
): Effect.fn.Return<LogTail, never, Scope.Scope> {
  const tail = yield* Effect.acquireRelease(
    Effect.sync(() => new Tail(beginning, kept)),
    (one) => Effect.promise(() => one.close())
  )
  const turn = Effect.gen(function* () {
    const at = yield* path
    const nowNanos = yield* Clock.monotonicTimeNanos
    return yield* Effect.tryPromise({
      try: () => tail.turn(at, nowNanos),
      catch: (cause) => new LogUnreadable({ path: at, cause })
    })
  })
  return { turn: Effect.uninterruptible(turn) }
})
