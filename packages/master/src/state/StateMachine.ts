/**
 * The state that follows from the log: entries are applied in order, many in one SQLite transaction, together with the
 * index and the time of the last. Synchronous; whoever calls it owns the connection.
 */
import { Data } from "effect"
import { type AppliedEntry, applyEntry, type Entry, entryMillis } from "./apply/Apply.ts"
import { type Connection, fatalCondition } from "./Connection.ts"

/** The database failed, and what it holds beyond the last transaction is unknown: the node must stop (rule 5). */
export class StateFailed extends Data.TaggedError("StateFailed")<{
  readonly condition: string
  readonly cause: unknown
}> {
  override get message() {
    return `the state database failed (${this.condition}): free space or memory or mend the disk, then start again`
  }
}

export interface StateMachine {
  readonly appliedIndex: () => number
  /** Applies the entries, which must follow the applied index, in one transaction. Throws `StateFailed`, having changed nothing. */
  readonly apply: (entries: ReadonlyArray<Entry>) => ReadonlyArray<AppliedEntry>
  /**
   * Makes everything applied durable. Answers the index below which the log may be cut, or `undefined` when a reader
   * kept the checkpoint from finishing (rule 9).
   */
  readonly checkpoint: () => number | undefined
}

const metaNumber = (connection: Connection, name: string): number =>
  Number(connection.get<{ readonly value: string }>("SELECT value FROM meta WHERE name = ?", name)?.value ?? 0)

const putMeta = (connection: Connection, name: string, value: number): void => {
  connection.run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", name, String(value))
}

/** The applied index, as its own transaction wrote it. */
export const readAppliedIndex = (connection: Connection): number => metaNumber(connection, "applied_index")

export const makeStateMachine = (connection: Connection): StateMachine => {
  let appliedIndex = readAppliedIndex(connection)
  let millis = metaNumber(connection, "at_millis")

  const applyAll = (entries: ReadonlyArray<Entry>): ReadonlyArray<AppliedEntry> => {
    let index = appliedIndex
    let time = millis
    const results: Array<AppliedEntry> = []
    connection.run("BEGIN IMMEDIATE")
    for (const entry of entries) {
      if (entry.index !== index + 1) throw new Error(`entry ${entry.index} does not follow ${index}`)
      results.push(applyEntry(connection, entry, time))
      time = entryMillis(entry, time)
      index = entry.index
    }
    putMeta(connection, "applied_index", index)
    putMeta(connection, "at_millis", time)
    connection.run("COMMIT")
    appliedIndex = index
    millis = time
    return results
  }

  const failed = (cause: unknown): StateFailed =>
    new StateFailed({ condition: fatalCondition(cause) ?? "unexpected", cause })

  return {
    appliedIndex: () => appliedIndex,
    apply: (entries) => {
      if (entries.length === 0) return []
      try {
        return applyAll(entries)
      } catch (cause) {
        rollback(connection)
        throw failed(cause)
      }
    },
    checkpoint: () => {
      try {
        const index = appliedIndex
        const row = connection.get<{ readonly busy: number; readonly log: number; readonly checkpointed: number }>(
          "PRAGMA wal_checkpoint(TRUNCATE)"
        )
        return row !== undefined && row.busy === 0 && row.log === row.checkpointed ? index : undefined
      } catch (cause) {
        throw failed(cause)
      }
    }
  }
}

/** SQLite may have rolled back by itself after a full disk; then there is nothing left to roll back. */
const rollback = (connection: Connection): void => {
  try {
    connection.run("ROLLBACK")
  } catch {
    // The failure that led here is the one to report.
  }
}
