/**
 * What a node's storage has confirmed, kept apart from it: the judge of every recovery, and what the oracle asks when it
 * wants to know on whose disk an entry is.
 */

import { noConfiguration } from "../../core/Configuration.ts"
import type { Append } from "../../core/Ready.ts"
import { initialHardState } from "../../core/State.ts"
import type { Configuration, Entry, HardState, Index, SnapshotMetadata, Term } from "../../core/Types.ts"
import type { Storage } from "../../storage/Storage.ts"
import { SafetyViolation } from "./Oracle.ts"

export class DurableLog {
  hardState: HardState = initialHardState
  private baseIndex: Index = 0
  private terms: Array<Term> = []
  private readonly configurations = new Map<Index, Configuration>()
  private readonly bootstrap: Configuration
  private pending: Array<Append> = []

  constructor(bootstrap: Configuration | null) {
    this.bootstrap = bootstrap ?? noConfiguration
  }

  get lastIndex(): Index {
    return this.baseIndex + this.terms.length
  }

  /** Whether an entry is here, or in what was compacted. */
  holds(index: Index, term: Term): boolean {
    return index <= this.baseIndex || this.terms[index - this.baseIndex - 1] === term
  }

  /** Null where it was compacted or does not reach. */
  term(index: Index): Term | null {
    return this.terms[index - this.baseIndex - 1] ?? null
  }

  latestConfiguration(): Configuration {
    let newest: Index = -1
    for (const index of this.configurations.keys()) newest = Math.max(newest, index)
    return this.configurations.get(newest) ?? this.bootstrap
  }

  appended(append: Append): void {
    this.pending.push(append)
  }

  synced(): void {
    for (const { hardState, truncateFrom, entries } of this.pending) {
      if (hardState !== null) this.hardState = hardState
      const from = truncateFrom ?? entries[0]?.index
      if (from !== undefined) this.truncateFrom(from)
      for (const entry of entries) this.push(entry)
    }
    this.pending = []
  }

  /** A snapshot took the place of the log. */
  restored({ index, term, configuration }: SnapshotMetadata): void {
    this.synced()
    if (this.terms[index - this.baseIndex - 1] === term) return
    this.baseIndex = index
    this.terms = []
    this.configurations.clear()
    this.configurations.set(index, configuration)
  }

  /** Everything that was confirmed has to be there; then what is there counts as confirmed. */
  recovered(storage: Storage): void {
    const { hardState, lastIndex, firstIndex, snapshots } = storage
    const { term, vote } = this.hardState
    if (hardState.term < term || (hardState.term === term && vote !== null && hardState.vote !== vote)) {
      throw new SafetyViolation(`a vote for ${vote} in term ${term} was confirmed, recovered is ${hardState.term}`)
    }
    const covered = snapshots.latest?.metadata.index ?? 0
    const kept = Math.min(this.lastIndex, this.earliestPending() - 1)
    for (let index = Math.max(this.baseIndex, covered) + 1; index <= kept; index++) {
      const expected = this.terms[index - this.baseIndex - 1]
      const found = storage.term(index)
      if (found !== expected)
        throw new SafetyViolation(`entry ${index} of term ${expected} was confirmed, recovered is ${found}`)
    }
    this.take(storage, Math.max(covered, firstIndex - 1), lastIndex)
  }

  /** Forgets what lies before `index`, which no recovery is asked for any more. */
  compact(index: Index): void {
    if (index <= this.baseIndex) return
    this.terms.splice(0, index - this.baseIndex)
    this.baseIndex = index
  }

  private take(storage: Storage, base: Index, lastIndex: Index): void {
    this.hardState = storage.hardState
    this.pending = []
    this.baseIndex = base
    this.terms = []
    this.configurations.clear()
    const metadata = storage.snapshots.latest?.metadata
    if (metadata !== undefined) this.configurations.set(metadata.index, metadata.configuration)
    if (base >= lastIndex) return
    for (const entry of storage.entries(base + 1, lastIndex, Number.POSITIVE_INFINITY)) this.push(entry)
  }

  private earliestPending(): Index {
    let earliest = Number.POSITIVE_INFINITY
    for (const { truncateFrom, entries } of this.pending) {
      const from = truncateFrom ?? entries[0]?.index
      if (from !== undefined) earliest = Math.min(earliest, from)
    }
    return earliest
  }

  private truncateFrom(index: Index): void {
    if (index > this.lastIndex) return
    this.terms.length = Math.max(0, index - this.baseIndex - 1)
    for (const at of this.configurations.keys()) if (at >= index) this.configurations.delete(at)
  }

  private push(entry: Entry): void {
    const expected = this.lastIndex + 1
    if (entry.index !== expected) throw new SafetyViolation(`entry ${entry.index} is stored where ${expected} is next`)
    this.terms.push(entry.term)
    if (entry.kind === "Configuration") this.configurations.set(entry.index, entry.configuration)
  }
}
