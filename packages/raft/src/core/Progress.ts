/**
 * What a leader knows of one follower (thesis 3.5, 10.2.1): where their logs are known to agree (`match`), what to send
 * next, and how.
 *
 * - Probe: where the logs agree is not known; one message at a time.
 * - Replicate: they agree; entries are sent ahead of their answers, as far as the window allows.
 * - Snapshot: the entries needed are gone; chunks of a snapshot, one at a time.
 *
 * Invariant: 0 <= match < next.
 */
import type { Index, Snapshot } from "./Types.ts"

export interface Inflight {
  readonly last: Index
  readonly bytes: number
}

/** Where the transfer of a snapshot stands; kept after an interruption, to resume. */
export interface Transmission {
  readonly snapshot: Snapshot
  readonly offset: number
  readonly sentAt: number
}

export interface Progress {
  readonly mode: "Probe" | "Replicate" | "Snapshot"
  readonly match: Index
  readonly next: Index
  /** In Probe: a message is on its way. */
  readonly isProbing: boolean
  readonly inflights: ReadonlyArray<Inflight>
  readonly inflightBytes: number
  /** The commit index that the follower will know when everything sent arrives. */
  readonly commitSent: Index
  /** The last entry sent before the latest append without entries. */
  readonly noticedAt: Index
  /** Ticks of the leader when `commitSent` last grew. */
  readonly commitSentAt: number
  /** The last entry that was forwarded from it: it waits until that is committed. */
  readonly awaited: Index
  /** Heard of since the last check of the quorum. */
  readonly isActive: boolean
  /** The latest round of heartbeats that it answered. */
  readonly round: number
  /** Ticks of the leader when an answer last made it look for lost appends. */
  readonly nudgedAt: number
  readonly transmission: Transmission | null
}

export const newProgress = (next: Index, isActive: boolean): Progress => ({
  mode: "Probe",
  match: 0,
  next,
  isProbing: false,
  inflights: [],
  inflightBytes: 0,
  commitSent: 0,
  noticedAt: 0,
  commitSentAt: 0,
  awaited: 0,
  isActive,
  round: 0,
  nudgedAt: 0,
  transmission: null
})

const emptyWindow = { inflights: [], inflightBytes: 0, isProbing: false, noticedAt: 0 } as const

export const toProbe = (progress: Progress, next: Index): Progress => ({
  ...progress,
  ...emptyWindow,
  mode: "Probe",
  next: Math.max(next, progress.match + 1),
  commitSent: Math.min(progress.commitSent, progress.match)
})

export const toReplicate = (progress: Progress): Progress => ({
  ...progress,
  ...emptyWindow,
  mode: "Replicate",
  next: progress.match + 1,
  transmission: null
})

export const toSnapshot = (progress: Progress, transmission: Transmission): Progress => ({
  ...progress,
  ...emptyWindow,
  mode: "Snapshot",
  transmission
})

export const isWindowFull = (progress: Progress, messagesMax: number, bytesMax: number): boolean =>
  progress.inflights.length >= messagesMax || progress.inflightBytes >= bytesMax

/**
 * Whether a new commit index is worth an append without entries. In an idle pipeline it is, at once: followers apply and
 * answer by it. But one such notice at a time: while entries flow they tell it anyway, and after a burst the last answer
 * sends the last one.
 */
export const isCommitNews = ({ mode, match, next, commitSent, noticedAt }: Progress, commit: Index): boolean =>
  mode === "Replicate" && commit > commitSent && commitSent < next - 1 && match >= noticedAt

/** An append that says so is on its way. */
export const commitTold = (progress: Progress, commit: Index, tick: number): Progress =>
  commit > progress.commitSent ? { ...progress, commitSent: commit, commitSentAt: tick } : progress

/** Entries up to `last` are on their way. */
export const sent = (progress: Progress, last: Index, bytes: number): Progress => ({
  ...progress,
  next: last + 1,
  inflights: [...progress.inflights, { last, bytes }],
  inflightBytes: progress.inflightBytes + bytes
})

/** The window opens up to what was acknowledged; answers out of order do no harm. */
export const acknowledged = (progress: Progress, index: Index): Progress => {
  const match = Math.max(progress.match, index)
  const inflights = progress.inflights.filter(({ last }) => last > match)
  const inflightBytes = inflights.reduce((sum, { bytes }) => sum + bytes, 0)
  return { ...progress, match, next: Math.max(progress.next, match + 1), inflights, inflightBytes }
}

/**
 * `null`: nothing to do about it now. Either it is of a message that no longer matters, or the follower lost what it had
 * confirmed, which the next heartbeat tells it.
 */
export const rejected = (progress: Progress, index: Index, hint: Index): Progress | null => {
  if (progress.mode === "Snapshot" || index <= progress.match) return null
  if (progress.mode === "Replicate") return toProbe(progress, progress.match + 1)
  if (progress.next - 1 !== index) return null
  return toProbe(progress, Math.min(index, hint + 1))
}
