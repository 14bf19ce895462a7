/**
 * The log (thesis 3.5): a persistent view over a shared array. Appending to the newest view extends the array in place,
 * which older views do not see; after a truncation the next append copies. So a state is a value, and costs little.
 */
import type { Entry, Index, Term } from "./Types.ts"
import { RaftFailure } from "./Failure.ts"

/** Grows only at its end. `ends[i]`: bytes of the entries up to and with the i-th. */
interface Backing {
  readonly entries: Array<Entry>
  readonly ends: Array<number>
}

export interface Log {
  /** What lies before the first entry: the last one compacted, or 0. */
  readonly baseIndex: Index
  readonly baseTerm: Term
  readonly length: number
  readonly backing: Backing
}

const overheadBytes = 32

/** What an entry counts for in every bound of bytes. */
export const entryBytes = (entry: Entry): number => {
  if (entry.kind === "Empty") return overheadBytes
  if (entry.kind === "Command") return overheadBytes + entry.data.length
  const { voters, learners, outgoing, learnersNext } = entry.configuration
  return overheadBytes * (1 + voters.length + learners.length + outgoing.length + learnersNext.length)
}

export const emptyLog = (baseIndex: Index, baseTerm: Term): Log => ({
  baseIndex,
  baseTerm,
  length: 0,
  backing: { entries: [], ends: [] }
})

export const lastIndex = (log: Log): Index => log.baseIndex + log.length

export const entryAt = (log: Log, index: Index): Entry | null => {
  const position = index - log.baseIndex - 1
  return position >= 0 && position < log.length ? (log.backing.entries[position] ?? null) : null
}

/** `null` for an entry that is compacted or not there yet. */
export const termAt = (log: Log, index: Index): Term | null =>
  index === log.baseIndex ? log.baseTerm : (entryAt(log, index)?.term ?? null)

export const lastTerm = (log: Log): Term => termAt(log, lastIndex(log)) ?? log.baseTerm

const bytesUpTo = (log: Log, index: Index): number => log.backing.ends[index - log.baseIndex - 1] ?? 0

/** Bytes of the entries after `after`, up to and with `to`. */
export const bytesBetween = (log: Log, after: Index, to: Index): number =>
  to <= after ? 0 : bytesUpTo(log, Math.min(to, lastIndex(log))) - bytesUpTo(log, Math.max(after, log.baseIndex))

const copied = (log: Log, from: number): Backing => {
  const entries = log.backing.entries.slice(from, log.length)
  const ends: Array<number> = []
  let end = 0
  for (const entry of entries) ends.push((end += entryBytes(entry)))
  return { entries, ends }
}

/** The entries follow the last one. */
export const append = (log: Log, entries: ReadonlyArray<Entry>): Log => {
  const backing = log.backing.entries.length === log.length ? log.backing : copied(log, 0)
  let end = backing.ends.at(-1) ?? 0
  let index = lastIndex(log)
  for (const entry of entries) {
    if (entry.index !== ++index) throw new RaftFailure(`entry ${entry.index} was appended where ${index} belongs`)
    backing.entries.push(entry)
    backing.ends.push((end += entryBytes(entry)))
  }
  return { ...log, length: log.length + entries.length, backing }
}

/** Without `from` and what follows. */
export const truncate = (log: Log, from: Index): Log =>
  from > lastIndex(log) ? log : { ...log, length: Math.max(0, from - log.baseIndex - 1) }

/** Without the entries up to and with `index`. */
export const compact = (log: Log, index: Index): Log => {
  const term = termAt(log, index)
  if (index <= log.baseIndex || term === null) return log
  const removed = index - log.baseIndex
  return { baseIndex: index, baseTerm: term, length: log.length - removed, backing: copied(log, removed) }
}

/** Entries `from`..`to`, as many as fit, though at least one. */
export const slice = (log: Log, from: Index, to: Index, bytesMax: number): ReadonlyArray<Entry> => {
  const start = from - log.baseIndex - 1
  const end = Math.min(to - log.baseIndex, log.length)
  if (start < 0 || start >= end) return []
  const limit = (log.backing.ends[start - 1] ?? 0) + bytesMax
  let stop = end
  if ((log.backing.ends[end - 1] ?? 0) > limit) {
    let low = start + 1
    while (low < stop) {
      const middle = (low + stop) >>> 1
      if ((log.backing.ends[middle] ?? 0) > limit) stop = middle
      else low = middle + 1
    }
  }
  return log.backing.entries.slice(start, stop)
}

/** The voting rule: whether a log that ends so is at least as complete as this one (thesis 3.6.1). */
export const isUpToDate = (log: Log, index: Index, term: Term): boolean =>
  term > lastTerm(log) || (term === lastTerm(log) && index >= lastIndex(log))

/** Whether a log that ends so has what this one has not, and would refuse its vote. */
export const isMoreComplete = (log: Log, index: Index, term: Term): boolean =>
  term > lastTerm(log) || (term === lastTerm(log) && index > lastIndex(log))

/**
 * The last place at or before `index` where an entry could be like one of `term`: at most of that term. A whole term is
 * skipped for each refused append, whichever side has it (thesis 3.5, end).
 */
export const lastNotAfterTerm = (log: Log, index: Index, term: Term): readonly [index: Index, term: Term] => {
  let at = Math.min(index, lastIndex(log))
  while (at > log.baseIndex) {
    const found = termAt(log, at)
    if (found !== null && found <= term) return [at, found]
    at--
  }
  return [at, log.baseTerm]
}
