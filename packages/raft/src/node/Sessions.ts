/**
 * Exactly-once execution (thesis 6.3; RIFL, Lee et al., 2015): a session is a proposer that numbers its commands. The
 * answers are part of the replicated state, so a command that arrives again, through whichever leader, is answered from
 * there and not executed again. A session may have many commands on the way; with each it says below which serial it has
 * all answers, and those are forgotten.
 */
import type { Index } from "../core/Types.ts"

/** Index of the entry that opened the session: unique, and the same on every node. */
export type SessionId = Index

/** One session, as the state machine keeps it. */
export interface SessionRow {
  readonly session: SessionId
  /** The last entry of this session. The one that was not used for longest expires first. */
  readonly lastUsed: Index
  /** Answers below this serial are forgotten: whoever asked has them. */
  readonly acknowledged: number
  readonly answers: ReadonlyArray<Answered>
}

export interface Answered {
  readonly serial: number
  readonly result: Uint8Array
}

/** What one batch changes, for the transaction that applies it. Apply in this order. */
export interface SessionChanges {
  /** Remove these with all their answers. */
  readonly expired: ReadonlyArray<SessionId>
  /** Insert or replace, without touching their answers. */
  readonly used: ReadonlyArray<{
    readonly session: SessionId
    readonly lastUsed: Index
    readonly acknowledged: number
  }>
  /** Remove the answers of `session` with a serial below `below`. */
  readonly forgotten: ReadonlyArray<{ readonly session: SessionId; readonly below: number }>
  /** Insert. None of them is in `forgotten`. */
  readonly answered: ReadonlyArray<{
    readonly session: SessionId
    readonly serial: number
    readonly result: Uint8Array
  }>
}
