import type { Entry, HardState, Index, Snapshot, Term } from "../core/Types.ts"
import type { Storage } from "./Storage.ts"

/** What the algorithm starts from, as `initialState` of the core takes it. */
export interface RecoveredState {
  readonly hardState: HardState
  readonly snapshot: Snapshot | null
  /** The entry before `entries`, at most the snapshot's last. */
  readonly base: { readonly index: Index; readonly term: Term }
  readonly entries: ReadonlyArray<Entry>
}

/**
 * Reads the whole log. After a compaction nobody knows the term of the entry before the first: unless the snapshot says
 * it, the first entry itself, which the snapshot covers, becomes the base.
 */
export const readRecovered = (storage: Storage): RecoveredState => {
  const { firstIndex, hardState, lastIndex, snapshots } = storage
  const known = firstIndex === 1 ? 0 : storage.term(firstIndex - 1)
  const base = known === null ? firstIndex : firstIndex - 1
  const entries = base < lastIndex ? storage.entries(base + 1, lastIndex, Number.POSITIVE_INFINITY) : []
  return {
    hardState,
    snapshot: snapshots.latest,
    base: { index: base, term: known ?? storage.term(base) ?? 0 },
    entries
  }
}
