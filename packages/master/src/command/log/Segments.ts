/** The log's files: one per range of indexes, named by the first, so that the oldest can go without a rewrite. */
import { syncPath } from "@nxmesh/core/file/Durable"
import { FileError } from "@nxmesh/core/file/FileError"
import { Data, Effect } from "effect"
import { type FileHandle, open, readdir, readFile, rm, truncate } from "node:fs/promises"
import { join } from "node:path"
import { scanSegment, type SegmentScan, segmentHeader, segmentHeaderBytes } from "./LogScan.ts"

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

export interface Segment {
  readonly file: string
  readonly firstIndex: number
}

const name = /^(\d{16})\.log$/
export const segmentFile = (directory: string, firstIndex: number): string =>
  join(directory, `${String(firstIndex).padStart(16, "0")}.log`)

const operation = <A>(verb: string, path: string, run: () => Promise<A>): Effect.Effect<A, FileError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation: verb, path, cause }) })

/** In order of their indexes. */
export const listSegments = (directory: string): Effect.Effect<ReadonlyArray<Segment>, FileError> =>
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

export const readSegment = (segment: Segment, last: boolean): Effect.Effect<SegmentScan, FileError> =>
  operation("read", segment.file, () => readFile(segment.file)).pipe(
    Effect.map((file) => scanSegment(file, segment.firstIndex, last))
  )

export const removeSegments = Effect.fnUntraced(function* (directory: string, segments: ReadonlyArray<Segment>) {
  for (const { file } of segments) yield* operation("remove", file, () => rm(file, { force: true }))
  if (segments.length > 0) yield* syncPath(directory)
})

/** Cuts a torn tail off, durably: what is appended next must not be mistaken for its continuation. */
export const cutSegment = Effect.fnUntraced(function* (file: string, bytes: number) {
  yield* operation("truncate", file, () => truncate(file, bytes))
  yield* syncPath(file)
})

/** A segment that is written to. Closed by its owner. */
export interface OpenSegment extends Segment {
  readonly handle: FileHandle
  bytes: number
}

export const openSegment = (segment: Segment, bytes: number): Effect.Effect<OpenSegment, FileError> =>
  operation("open", segment.file, () => open(segment.file, "r+")).pipe(
    Effect.map((handle) => ({ ...segment, handle, bytes }))
  )

/** Makes an empty segment whose name and header are durable. */
export const createSegment = Effect.fnUntraced(function* (directory: string, firstIndex: number) {
  const file = segmentFile(directory, firstIndex)
  const handle = yield* operation("make", file, () => open(file, "wx", 0o600))
  yield* operation("write", file, () => handle.write(segmentHeader(firstIndex), 0, segmentHeaderBytes, 0))
  yield* operation("fsync", file, () => handle.sync())
  yield* syncPath(directory)
  return { file, firstIndex, handle, bytes: segmentHeaderBytes } satisfies OpenSegment
})

/** Appends and fsyncs. When it fails, what is on disk is unknown, and the segment must not be written again. */
export const appendDurably = (segment: OpenSegment, bytes: Buffer): Effect.Effect<void, FileError> =>
  operation("append to", segment.file, async () => {
    let written = 0
    while (written < bytes.length) {
      // oxlint-disable-next-line no-await-in-loop -- a short write continues where it ended
      const { bytesWritten } = await segment.handle.write(
        bytes,
        written,
        bytes.length - written,
        segment.bytes + written
      )
      written += bytesWritten
    }
    await segment.handle.datasync()
    segment.bytes += bytes.length
  })

export const closeSegment = (segment: OpenSegment): Effect.Effect<void, FileError> =>
  operation("close", segment.file, () => segment.handle.close())
