/**
 * The log of a single master: entries on disk before anyone is told of them. A cluster's Raft log takes its place
 * behind the same interface.
 */
import { makeDirectory } from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Context, Effect, Layer, Ref } from "effect"
import { join } from "node:path"
import { Limits } from "../Limits.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { encodeRecords, type LogRecord } from "./log/LogRecord.ts"
import { segmentHeaderBytes } from "./log/LogScan.ts"
import {
  appendDurably,
  closeSegment,
  createSegment,
  cutSegment,
  listSegments,
  LogDamaged,
  openSegment,
  type OpenSegment,
  readSegment,
  removeSegments,
  type Segment
} from "./log/Segments.ts"

interface Opened {
  readonly closed: ReadonlyArray<Segment>
  readonly active: OpenSegment
  readonly lastIndex: number
}

/** Checks every segment and the last one's end; cuts a torn tail off. */
const openLog = Effect.fnUntraced(function* (directory: string) {
  const segments = yield* listSegments(directory)
  const closed: Array<Segment> = []
  let next = segments[0]?.firstIndex ?? 1
  for (const [position, segment] of segments.entries()) {
    const last = position === segments.length - 1
    if (segment.firstIndex !== next) {
      return yield* new LogDamaged({ file: segment.file, offset: 0, problem: `entry ${next} is missing before it` })
    }
    const { end, records, rest } = yield* readSegment(segment, last)
    if (rest === "damaged") {
      return yield* new LogDamaged({ file: segment.file, offset: end, problem: "a record's checksum is wrong" })
    }
    next = segment.firstIndex + records.length
    if (!last) {
      closed.push(segment)
      continue
    }
    if (end < segmentHeaderBytes) {
      // Its making was cut short: it never held an entry.
      yield* removeSegments(directory, [segment])
      break
    }
    if (rest === "torn") {
      yield* cutSegment(segment.file, end)
      yield* Effect.logWarning("cut an unfinished write off the log", { file: segment.file, offset: end })
    }
    return { closed, active: yield* openSegment(segment, end), lastIndex: next - 1 } satisfies Opened
  }
  return { closed, active: yield* createSegment(directory, next), lastIndex: next - 1 } satisfies Opened
})

export class CommandLog extends Context.Service<
  CommandLog,
  {
    /**
     * Durable when it succeeds; answers the index of the first. Must not run twice at once. After a failure the log
     * cannot be written again: what is on disk is unknown.
     */
    readonly append: (payloads: ReadonlyArray<Uint8Array>) => Effect.Effect<number, FileError>
    /** Gives every record from this index on, in order, a segment at a time. */
    readonly read: <E, R>(
      from: number,
      each: (records: ReadonlyArray<LogRecord>) => Effect.Effect<void, E, R>
    ) => Effect.Effect<void, E | FileError, R>
    readonly firstIndex: Effect.Effect<number>
    readonly lastIndex: Effect.Effect<number>
    /** Forgets whole segments whose entries are all at or below the index. */
    readonly cut: (throughIndex: number) => Effect.Effect<void, FileError>
  }
>()("@nxmesh/master/command/CommandLog") {
  static readonly layerNoDeps = Layer.effect(
    CommandLog,
    Effect.gen(function* () {
      const directory = join((yield* DataDirectory).path, "log")
      yield* makeDirectory(directory)
      const state = yield* Ref.make<Opened>(yield* openLog(directory))
      yield* Effect.addFinalizer(() =>
        Ref.get(state).pipe(
          Effect.flatMap(({ active }) => closeSegment(active)),
          Effect.catch((error) => Effect.logWarning(error.message))
        )
      )

      const roll = Effect.fnUntraced(function* () {
        const { active, lastIndex } = yield* Ref.get(state)
        const next = yield* createSegment(directory, lastIndex + 1)
        yield* Ref.update(state, (opened) => ({ ...opened, closed: [...opened.closed, active], active: next }))
        yield* closeSegment(active)
        return next
      })

      const append = Effect.fnUntraced(function* (payloads: ReadonlyArray<Uint8Array>) {
        const { active, lastIndex } = yield* Ref.get(state)
        const full = active.bytes >= Limits.command.segmentBytesMax && active.firstIndex <= lastIndex
        const segment = full ? yield* roll() : active
        yield* appendDurably(segment, encodeRecords(payloads, lastIndex + 1, segment.bytes))
        yield* Ref.update(state, (opened) => ({ ...opened, lastIndex: lastIndex + payloads.length }))
        return lastIndex + 1
      }, Effect.uninterruptible)

      const read = Effect.fnUntraced(function* <E, R>(
        from: number,
        each: (records: ReadonlyArray<LogRecord>) => Effect.Effect<void, E, R>
      ) {
        const { active, closed } = yield* Ref.get(state)
        const segments = [...closed, active]
        for (const [position, segment] of segments.entries()) {
          const following = segments[position + 1]
          if (following !== undefined && following.firstIndex <= from) continue
          const { records } = yield* readSegment(segment, following === undefined)
          yield* each(records.filter(({ index }) => index >= from))
        }
      })

      const cut = Effect.fnUntraced(function* (throughIndex: number) {
        const { active, closed } = yield* Ref.get(state)
        const followingFirst = (position: number) => closed[position + 1]?.firstIndex ?? active.firstIndex
        const old = closed.filter((_, position) => followingFirst(position) <= throughIndex + 1)
        yield* removeSegments(directory, old)
        yield* Ref.update(state, (opened) => ({
          ...opened,
          closed: opened.closed.filter((segment) => !old.includes(segment))
        }))
      })

      return CommandLog.of({
        append,
        read,
        cut,
        firstIndex: Ref.get(state).pipe(Effect.map(({ active, closed }) => closed[0]?.firstIndex ?? active.firstIndex)),
        lastIndex: Ref.get(state).pipe(Effect.map(({ lastIndex }) => lastIndex))
      })
    })
  )

  static readonly layer = CommandLog.layerNoDeps.pipe(Layer.provide(DataDirectory.layer))
}
