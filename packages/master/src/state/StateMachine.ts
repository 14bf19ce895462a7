/**
 * The state that follows from the log: entries are applied in order, many in one SQLite transaction, together with the
 * index, the term and the time of the last. Synchronous; whoever calls it owns the connection.
 */
import { Data } from "effect"
import { type AppliedEntry, applyEntry, defectRejection, type Entry, entryMillis } from "./apply/Apply.ts"
import { type Connection, fatalCondition } from "./Connection.ts"
import { putMeta, readMeta } from "./Meta.ts"
import { StateVersionUnknown } from "./Migrations.ts"

/** The database failed, and what it holds beyond the last transaction is unknown: the node must stop (rule 5). */
export class StateFailed extends Data.TaggedError("StateFailed")<{
  readonly condition: string
  readonly cause: unknown
}> {
  override get message() {
    return `the state database failed (${this.condition}): free space or memory or mend the disk, then start again`
  }
}

/** A command whose bytes say nothing: it counts as refused, on every master alike, and is a defect of whoever proposed it. */
export interface Unreadable extends Pick<Entry, "index" | "term" | "atMillis"> {
  readonly unreadable: unknown
}

/** The last entry that the state holds, as its own transaction wrote it; zeros: none. */
export interface AppliedPoint {
  readonly index: number
  readonly term: number
  /** Milliseconds since 1970: the greatest stamp of any entry so far (rule 3). */
  readonly atMillis: number
}

export interface StateBatch {
  /** In the order of the log, with gaps where it holds what is no command. */
  readonly entries: ReadonlyArray<Entry | Unreadable>
  /** The entry that counts as the last one applied afterwards: at or after the last of `entries`, which may be none. */
  readonly last: { readonly index: number; readonly term: number }
  /** What else the transaction has to store, given what came of the entries. */
  readonly store?: (results: ReadonlyArray<AppliedEntry>) => void
}

const metaNumber = (connection: Connection, name: string): number => Number(readMeta(connection, name) ?? 0)

export const readAppliedIndex = (connection: Connection): number => metaNumber(connection, "applied_index")

export const readApplied = (connection: Connection): AppliedPoint => ({
  index: readAppliedIndex(connection),
  term: metaNumber(connection, "applied_term"),
  atMillis: metaNumber(connection, "at_millis")
})

const writeApplied = (connection: Connection, { atMillis, index, term }: AppliedPoint): void => {
  putMeta(connection, "applied_index", String(index))
  putMeta(connection, "applied_term", String(term))
  putMeta(connection, "at_millis", String(atMillis))
}

const applyOne = (connection: Connection, entry: Entry | Unreadable, previousMillis: number): AppliedEntry =>
  "unreadable" in entry
    ? {
        outcome: { _tag: "Rejected", index: entry.index, rejection: defectRejection },
        events: [],
        defect: entry.unreadable
      }
    : applyEntry(connection, entry, previousMillis)

/**
 * Applies a batch that follows `before` in one transaction. Throws `StateFailed`, or StateVersionUnknown, having changed nothing. What is
 * committed may be lost by a power cut, as a whole and from the end: the log has it (rule 9).
 */
export const applyBatch = (
  connection: Connection,
  before: AppliedPoint,
  { entries, last, store }: StateBatch
): { readonly applied: AppliedPoint; readonly results: ReadonlyArray<AppliedEntry> } => {
  try {
    connection.run("BEGIN IMMEDIATE")
    let { atMillis, index } = before
    const results = entries.map((entry) => {
      if (entry.index <= index) throw new Error(`entry ${entry.index} does not follow ${index}`)
      const result = applyOne(connection, entry, atMillis)
      atMillis = entryMillis(entry, atMillis)
      index = entry.index
      return result
    })
    if (last.index < index) throw new Error(`a batch that holds entry ${index} cannot end at ${last.index}`)
    const applied = { ...last, atMillis }
    store?.(results)
    writeApplied(connection, applied)
    connection.run("COMMIT")
    return { applied, results }
  } catch (cause) {
    rollback(connection)
    if (cause instanceof StateVersionUnknown) throw cause
    throw new StateFailed({ condition: fatalCondition(cause) ?? unexpected(cause), cause })
  }
}

const unexpected = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** SQLite may have rolled back by itself after a full disk; then there is nothing left to roll back. */
const rollback = (connection: Connection): void => {
  try {
    connection.run("ROLLBACK")
  } catch {
    // The failure that led here is the one to report.
  }
}
