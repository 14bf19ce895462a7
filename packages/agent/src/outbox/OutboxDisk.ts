/**
 * The outbox's files: segments, each appended to until it is full, and the state beside them. What was appended survives
 * the process; a power cut takes what came after the last `flush`, and nothing else: a torn line is no line. One caller at
 * a time.
 */
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import { syncPath } from "@nxmesh/core/file/Durable"
import { FileError } from "@nxmesh/core/file/FileError"
import type { OutboxBatch, OutboxKind } from "@nxmesh/protocol/link/OutboxBatch"
import { Effect, Exit } from "effect"
import { type FileHandle, open as openFile, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { Limits } from "../Limits.ts"
import { batchOf } from "./Batch.ts"
import * as Counts from "./Counts.ts"
import { decodeSegment, encodeLine, type OutboxLine } from "./OutboxLine.ts"
import { newState, nextSequence, readState, writeState } from "./OutboxState.ts"
import * as Segments from "./Segments.ts"

export interface OutboxDisk {
  /** Appends one report, after dropping the oldest segments that leave it no room. Answers what was dropped for it. */
  readonly append: (kind: OutboxKind, report: string, nowMillis: number) => Effect.Effect<Counts.Counts, FileError>
  /** The oldest that no master has; `null` when there are none. */
  readonly batch: Effect.Effect<OutboxBatch | null, FileError>
  readonly acknowledge: (through: number) => void
  /** Counts reports that never came here. */
  readonly lose: (reports: Counts.Counts) => void
  /** Makes durable what was appended, and removes what was sent. */
  readonly flush: Effect.Effect<void, FileError>
  readonly close: Effect.Effect<void, FileError>
  readonly figures: () => {
    readonly reports: Counts.Counts
    readonly bytes: number
    readonly oldestAtMillis: number | null
    readonly dropped: Counts.Counts
  }
}

const attempt = <A>(operation: string, path: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

const remove = (path: string) => attempt("remove", path, () => rm(path, { force: true }))

const readLines = Effect.fnUntraced(function* (path: string) {
  return decodeSegment((yield* AtomicFile.readIfExists(path)) ?? new Uint8Array())
})

/** The segments of an earlier process, oldest first. Empty ones are removed. */
const findSegments = Effect.fnUntraced(function* (directory: string) {
  const names = (yield* attempt("list", directory, () => readdir(directory))).filter(Segments.isSegmentFile).sort()
  const segments: Array<Segments.Segment> = []
  for (const file of names) {
    const { damaged, lines } = yield* readLines(join(directory, file))
    const segment = lines.reduce(
      (before, line) => Segments.withLine(before, line, Buffer.byteLength(encodeLine(line))),
      Segments.emptySegment(file)
    )
    if (damaged > 0) yield* Effect.logWarning(`${damaged} reports of the outbox cannot be read and are lost`, { file })
    if (lines.length === 0) yield* remove(join(directory, file))
    else segments.push(segment)
  }
  return segments
})

/** Opens the outbox of a directory, or makes it. `newId` names one that begins. */
export const open = Effect.fnUntraced(function* (
  directory: string,
  bytesMax: number,
  newId: Effect.Effect<string>
): Effect.fn.Return<OutboxDisk, FileError> {
  yield* AtomicFile.makeDirectory(directory)
  const statePath = join(directory, "outbox.json")
  let segments: ReadonlyArray<Segments.Segment> = yield* findSegments(directory)
  let state = (yield* readState(statePath)) ?? newState(yield* newId)
  let next = nextSequence(state, segments.at(-1)?.last ?? 0, Limits.outboxSequenceLeap)
  state = { ...state, closed: false }
  yield* writeState(statePath, state)

  /** The segment that is written, which is the last one, and the lines of those that were read or written lately. */
  let active: FileHandle | null = null
  const known = new Map<string, Array<OutboxLine>>()
  const dirty = { data: false, state: false }
  const bounds = { bytesMax, ageMaxMillis: Limits.outboxAgeMaxMillis }

  const linesOf = Effect.fnUntraced(function* (file: string) {
    const lines = known.get(file) ?? [...(yield* readLines(join(directory, file))).lines]
    known.set(file, lines)
    return lines
  })
  const lose = (reports: Counts.Counts) => {
    state = { ...state, dropped: Counts.add(state.dropped, reports) }
    dirty.state = true
  }

  /** The next report begins another segment. */
  const seal = Effect.suspend(() => {
    const handle = active
    if (handle === null) return Effect.void
    active = null
    const file = segments.at(-1)?.file ?? ""
    if (segments.length > 1) known.delete(file)
    return attempt("close", join(directory, file), async () => {
      try {
        if (dirty.data) await handle.datasync()
      } finally {
        await handle.close()
      }
    })
  })

  const removeFirst = Effect.gen(function* () {
    const [first] = segments
    if (first === undefined) return
    if (segments.length === 1) yield* seal
    yield* remove(join(directory, first.file))
    known.delete(first.file)
    segments = segments.slice(1)
  })

  /** What of a segment no master has. */
  const pendingIn = Effect.fnUntraced(function* (segment: Segments.Segment) {
    if (segment.first > state.acknowledged) return segment.reports
    if (segment.last <= state.acknowledged) return Counts.none
    const lines = yield* Effect.orElseSucceed(linesOf(segment.file), () => [])
    return lines
      .filter(({ sequence }) => sequence > state.acknowledged)
      .reduce((counts, { kind }) => Counts.add(counts, Counts.one(kind)), Counts.none)
  })

  const dropFirst = Effect.gen(function* () {
    const [first] = segments
    const pending = first === undefined ? Counts.none : yield* pendingIn(first)
    yield* removeFirst
    lose(pending)
    return pending
  })

  const begin = Effect.fnUntraced(function* (sequence: number) {
    yield* AtomicFile.makeDirectory(directory)
    const file = Segments.fileOf(sequence)
    active = yield* attempt("make", join(directory, file), () => openFile(join(directory, file), "w", 0o600))
    segments = [...segments.filter(({ last }) => last > 0), Segments.emptySegment(file)]
    known.set(file, [])
    return active
  })

  /** Half a line that could not be written must not stay before the next. */
  const write = (handle: FileHandle, segment: Segments.Segment, content: Buffer) =>
    attempt("write", join(directory, segment.file), async () => {
      try {
        await handle.appendFile(content)
      } catch (cause) {
        await handle.truncate(segment.bytes).catch(async () => {
          active = null
          await handle.close().catch(() => undefined)
        })
        throw cause
      }
    })

  const append = Effect.fnUntraced(function* (kind: OutboxKind, report: string, nowMillis: number) {
    const line = { sequence: next, kind, atMillis: nowMillis, report }
    const content = Buffer.from(encodeLine(line))
    let dropped = Counts.none
    for (let surplus = Segments.surplus(segments, content.length, nowMillis, bounds); surplus > 0; surplus--) {
      dropped = Counts.add(dropped, yield* dropFirst)
    }
    if ((segments.at(-1)?.bytes ?? 0) >= Segments.segmentBytes(bytesMax)) yield* seal
    const handle = active ?? (yield* begin(next))
    const segment = segments.at(-1) ?? Segments.emptySegment("")
    yield* write(handle, segment, content)
    segments = [...segments.slice(0, -1), Segments.withLine(segment, line, content.length)]
    known.get(segment.file)?.push(line)
    next += 1
    dirty.data = true
    return dropped
  })

  const batch = Effect.gen(function* () {
    while (true) {
      const segment = segments[Segments.finished(segments, state.acknowledged)]
      if (segment === undefined) return null
      const made = batchOf(state, yield* linesOf(segment.file))
      if (made !== null) return made
      // Its lines were readable when they were counted: the disk lost them.
      lose(segment.first > state.acknowledged ? segment.reports : Counts.none)
      state = { ...state, acknowledged: segment.last }
    }
  })

  const isAllSent = () => (segments.at(-1)?.last ?? 0) <= state.acknowledged
  const flush = Effect.gen(function* () {
    if (dirty.data || dirty.state) yield* AtomicFile.makeDirectory(directory)
    if (dirty.data && !isAllSent()) {
      const handle = active
      if (handle !== null) yield* attempt("fsync", directory, () => handle.datasync())
      yield* syncPath(directory)
    }
    dirty.data = false
    const written = dirty.state ? yield* Effect.exit(writeState(statePath, state)) : Exit.void
    // Also when the disk is full: a start after a crash leaps over what is not written.
    for (let sent = Segments.finished(segments, state.acknowledged); sent > 0; sent--) yield* removeFirst
    yield* written
    dirty.state = false
  })

  return {
    append: (kind, report, nowMillis) => Effect.uninterruptible(append(kind, report, nowMillis)),
    batch,
    acknowledge: (through) => {
      if (through <= state.acknowledged) return
      state = { ...state, acknowledged: through }
      // An outbox that was put back from a copy must not use again what masters have seen.
      next = Math.max(next, through + 1)
      dirty.state = true
    },
    lose,
    flush: Effect.uninterruptible(flush),
    close: Effect.suspend(() => {
      state = { ...state, closed: true }
      dirty.state = true
      return Effect.andThen(flush, seal)
    }).pipe(Effect.uninterruptible),
    figures: () => {
      const waiting = segments.slice(Segments.finished(segments, state.acknowledged))
      return {
        reports: waiting.reduce((sum, { reports }) => Counts.add(sum, reports), Counts.none),
        bytes: Segments.bytesOf(waiting),
        oldestAtMillis: waiting[0]?.oldestAtMillis ?? null,
        dropped: state.dropped
      }
    }
  }
})
