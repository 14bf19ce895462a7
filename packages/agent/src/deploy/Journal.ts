/**
 * The deployment journal on disk. Every step is written before its effect. Steps that change something which outlives the
 * process are fsynced first; `render`, `test` and `prove` change nothing, so they are only appended, in order.
 */
import { Effect, Schema, type Scope } from "effect"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import * as LineJournal from "@nxmesh/core/file/LineJournal"
import { join } from "node:path"
import { Limits } from "../Limits.ts"
import * as JournalLock from "./JournalLock.ts"
import type { JournalInUse } from "./JournalLock.ts"
import { emptyState, fold, JournalRecord, type JournalState } from "./JournalRecord.ts"

const Line = Schema.fromJsonString(JournalRecord)
const decode = Schema.decodeUnknownOption(Line)
const encode = Schema.encodeSync(Line)

export interface Journal {
  readonly state: () => JournalState
  /** Lines that could not be read when the journal was opened: their checksum or their shape was wrong. */
  readonly damagedLines: number
  /** Durable when it succeeds, unless the record is a step that changes nothing. */
  readonly record: (record: JournalRecord) => Effect.Effect<void, FileError>
}

/** Told of each record before and after it is written; in between lies the moment that a crash makes interesting. */
export type JournalObserver = (moment: "before" | "after", record: JournalRecord) => Effect.Effect<void>

const unobserved: JournalObserver = () => Effect.void

const lasting = (record: JournalRecord): boolean =>
  record._tag !== "Stepped" || (record.step !== "render" && record.step !== "test" && record.step !== "prove")

/** Opens the journal in a data directory, for one process at a time. The caller serialises the writes. */
export const open = Effect.fnUntraced(function* (
  dataDirectory: string,
  observe: JournalObserver = unobserved
): Effect.fn.Return<Journal, FileError | JournalInUse, Scope.Scope> {
  yield* AtomicFile.makeDirectory(dataDirectory)
  yield* JournalLock.acquire(dataDirectory)
  const file = yield* LineJournal.make(join(dataDirectory, "deployments.journal"))
  const records = file.content.lines.map((line) => decode(line))
  const readable = records.flatMap((record) => (record._tag === "Some" ? [record.value] : []))
  let state = readable.reduce(fold, emptyState)
  let lines = file.content.lines.length

  const record = Effect.fnUntraced(function* (entry: JournalRecord) {
    yield* observe("before", entry)
    const next = fold(state, entry)
    if (lines >= Limits.journalLinesMax && entry._tag === "Ended") {
      yield* file.rewrite([encode({ _tag: "Folded", state: next })])
      lines = 1
    } else {
      yield* file.append(encode(entry), { durable: lasting(entry) })
      lines += 1
    }
    state = next
    yield* observe("after", entry)
  }, Effect.uninterruptible)

  return {
    state: () => state,
    damagedLines: file.content.damagedLines + (records.length - readable.length),
    record
  }
})
