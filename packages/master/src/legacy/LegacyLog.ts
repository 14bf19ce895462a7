/**
 * The command log that a single master kept before there was Raft: segments, one per range of indexes, named by the first.
 * It is only read. A write that a power cut ended stays where it is: no one was told of it, and nothing follows it.
 */
import { FileError } from "@nxmesh/core/file/FileError"
import { Data, Effect } from "effect"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import type { LogRecord } from "./LogRecord.ts"
import { scanSegment, type SegmentScan } from "./LogScan.ts"

/** The log holds something that was durable once and is not sound now. */
export class LogDamaged extends Data.TaggedError("LogDamaged")<{
  readonly file: string
  readonly offset: number
  readonly problem: string
}> {
  override get message() {
    return `${this.file} is damaged at offset ${this.offset}: ${this.problem}; acknowledged changes may be lost: restore the data directory from a backup`
  }
}

interface Segment {
  readonly file: string
  readonly firstIndex: number
}

export interface LegacyLog {
  readonly firstIndex: number
  /** One below the first when there are no entries. */
  readonly lastIndex: number
  /** Gives every record from this index on, in order, a segment at a time. */
  readonly read: <E, R>(
    from: number,
    each: (records: ReadonlyArray<LogRecord>) => Effect.Effect<void, E, R>
  ) => Effect.Effect<void, E | FileError, R>
}

const name = /^(\d{16})\.log$/

const operation = <A>(verb: string, path: string, run: () => Promise<A>): Effect.Effect<A, FileError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation: verb, path, cause }) })

/** In order of their indexes. */
const listSegments = (directory: string): Effect.Effect<ReadonlyArray<Segment>, FileError> =>
  operation("list", directory, () => readdir(directory)).pipe(
    Effect.map((files) =>
      files
        .flatMap((file) => {
          const index = name.exec(file)?.[1]
          return index === undefined ? [] : [{ file: join(directory, file), firstIndex: Number(index) }]
        })
        .sort((a, b) => a.firstIndex - b.firstIndex)
    )
  )

const readSegment = (segment: Segment, last: boolean): Effect.Effect<SegmentScan, FileError> =>
  operation("read", segment.file, () => readFile(segment.file)).pipe(
    Effect.map((file) => scanSegment(file, segment.firstIndex, last))
  )

/** Checks every segment, and that each goes on where the one before ends. */
export const openLegacyLog = Effect.fn("LegacyLog.open")(function* (
  directory: string
): Effect.fn.Return<LegacyLog, FileError | LogDamaged> {
  const segments = yield* listSegments(directory)
  const firstIndex = segments[0]?.firstIndex ?? 1
  let next = firstIndex
  for (const [position, segment] of segments.entries()) {
    if (segment.firstIndex !== next) {
      return yield* new LogDamaged({ file: segment.file, offset: 0, problem: `entry ${next} is missing before it` })
    }
    const { end, records, rest } = yield* readSegment(segment, position === segments.length - 1)
    if (rest === "damaged") {
      return yield* new LogDamaged({ file: segment.file, offset: end, problem: "a record's checksum is wrong" })
    }
    next += records.length
  }
  return {
    firstIndex,
    lastIndex: next - 1,
    read: Effect.fnUntraced(function* (from, each) {
      for (const [position, segment] of segments.entries()) {
        const following = segments[position + 1]
        if (following !== undefined && following.firstIndex <= from) continue
        const { records } = yield* readSegment(segment, following === undefined)
        yield* each(records.filter(({ index }) => index >= from))
      }
    })
  }
})
