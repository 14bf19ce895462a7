/**
 * Exactly-once execution (thesis 6.3; RIFL, Lee et al., 2015): a session is a proposer that numbers its commands. The
 * answers are part of the replicated state, so a command that arrives again, through whichever leader, is answered from
 * there and not executed again. A session may have many commands on the way; with each it says below which serial it has
 * all answers, and those are forgotten.
 */
import type { Index } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { SessionCommand } from "./Envelope.ts"
import type { Rejection } from "./HostMessage.ts"

/** Index of the entry that opened the session: unique, and the same on every node. */
export type SessionId = Index

/** One session, as the state machine keeps it. */
export interface SessionRow {
  readonly session: SessionId
  /** The last entry of this session. The one that was not used for longest expires first. */
  readonly lastUsed: Index
  /** From 1. Answers below this serial are forgotten: whoever asked has them. */
  readonly acknowledged: number
  readonly answers: ReadonlyArray<Answered>
}

export interface Answered {
  readonly serial: number
  /** `null`: it was executed, and its answer is too large to be kept. */
  readonly result: Uint8Array | null
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
  readonly answered: ReadonlyArray<Answered & { readonly session: SessionId }>
}

/** What becomes of one command. All but `Execute` leave the state of the machine as it is. */
export type Decision =
  | { readonly _tag: "Execute"; readonly answer: Answer }
  /** The answer to give is the one of the first time. */
  | { readonly _tag: "Repeat"; readonly answer: Answer }
  | { readonly _tag: "Reject"; readonly reason: Rejection["_tag"] }

/** `null` until the batch is executed, and for good when the answer is too large to be kept. */
export interface Answer {
  readonly result: Uint8Array | null
}

export interface SessionLimits {
  /** Sessions that are kept: one more, and the one that was not used for longest expires. */
  readonly sessionsMax: number
  /** A serial may be so far above the first that is not acknowledged: as many answers a session has at most. */
  readonly answersMax: number
  /** Answers of all sessions together; must be more than `answersMax`. */
  readonly answersInAllMax: number
  /** A larger answer is not kept: a repeated command is told so. */
  readonly answerBytesMax: number
}

interface Session {
  readonly id: SessionId
  lastUsed: Index
  acknowledged: number
  readonly answers: Map<number, { result: Uint8Array | null }>
}

const expired: Decision = { _tag: "Reject", reason: "SessionExpired" }
const forgotten: Decision = { _tag: "Reject", reason: "AnswerForgotten" }
const tooMany: Decision = { _tag: "Reject", reason: "TooManyAnswers" }

/**
 * The table of sessions in memory, the same on every node after the same entries, in whatever batches they came. So a
 * decision depends on earlier decisions, and never on a result: the results of a batch are known only at its end.
 */
export class Sessions {
  private readonly limits: SessionLimits
  /** The one that was not used for longest is the first. */
  private readonly table = new Map<SessionId, Session>()
  private newest: Session | null = null
  private answers = 0
  private batch = new SessionBatch()

  constructor(rows: ReadonlyArray<SessionRow>, limits: SessionLimits = Limits.sessions) {
    this.limits = limits
    for (const row of rows.toSorted((a, b) => a.lastUsed - b.lastUsed)) {
      const answers = new Map(row.answers.map(({ serial, result }) => [serial, { result }]))
      this.insert({ id: row.session, lastUsed: row.lastUsed, acknowledged: row.acknowledged, answers })
      this.answers += answers.size
    }
  }

  /** The entry at `index` opens a session. */
  open(index: Index): void {
    const session: Session = { id: index, lastUsed: index, acknowledged: 1, answers: new Map() }
    this.insert(session)
    this.batch.opened.add(session)
    this.batch.used.add(session)
    this.expire()
  }

  /** Decides on the command at `index`. Whatever is to be executed gets its result by `settle`, in the same order. */
  decide(
    index: Index,
    { acknowledged, serial, session: id }: Pick<SessionCommand, "session" | "serial" | "acknowledged">
  ): Decision {
    const session = this.table.get(id)
    if (session === undefined) return expired
    this.use(session, index)
    if (acknowledged > session.acknowledged) this.acknowledge(session, acknowledged)
    if (serial < session.acknowledged) return forgotten
    const known = session.answers.get(serial)
    if (known !== undefined) return { _tag: "Repeat", answer: known }
    if (serial >= session.acknowledged + this.limits.answersMax) return tooMany
    const answer = { result: null }
    session.answers.set(serial, answer)
    this.answers += 1
    this.batch.executed.push({ session, serial, answer })
    this.expire()
    return { _tag: "Execute", answer }
  }

  /** Ends a batch: takes the results of what was to be executed, in its order, and says what changed. */
  settle(results: ReadonlyArray<Uint8Array>): SessionChanges {
    const { executed, forgot, opened, removed, used } = this.batch
    this.batch = new SessionBatch()
    for (const [i, { answer }] of executed.entries()) {
      const result = results[i] as Uint8Array
      if (result.length <= this.limits.answerBytesMax) answer.result = result.slice()
    }
    const isThere = (session: Session): boolean => !removed.has(session)
    const kept = executed.filter(({ serial, session }) => isThere(session) && serial >= session.acknowledged)
    return {
      expired: [...removed].filter((session) => !opened.has(session)).map(({ id }) => id),
      used: [...used]
        .filter(isThere)
        .map(({ acknowledged, id, lastUsed }) => ({ session: id, lastUsed, acknowledged })),
      forgotten: [...forgot].filter(isThere).map(({ acknowledged, id }) => ({ session: id, below: acknowledged })),
      answered: kept.map(({ answer: { result }, serial, session }) => ({ session: session.id, serial, result }))
    }
  }

  private insert(session: Session): void {
    this.table.set(session.id, session)
    this.newest = session
  }

  private use(session: Session, index: Index): void {
    session.lastUsed = index
    this.batch.used.add(session)
    if (session === this.newest) return
    this.table.delete(session.id)
    this.insert(session)
  }

  /** Looks at the serials between or at the answers there are, whichever are fewer. */
  private acknowledge(session: Session, below: number): void {
    const { acknowledged, answers } = session
    const before = answers.size
    session.acknowledged = below
    if (below - acknowledged <= before) for (let serial = acknowledged; serial < below; serial++) answers.delete(serial)
    else for (const serial of answers.keys()) if (serial < below) answers.delete(serial)
    if (answers.size === before) return
    this.answers -= before - answers.size
    this.batch.forgot.add(session)
  }

  /** Never the session that was just used: alone it is within the bounds. */
  private expire(): void {
    const { answersInAllMax, sessionsMax } = this.limits
    while (this.table.size > sessionsMax || this.answers > answersInAllMax) {
      const [oldest] = this.table.values()
      if (oldest === undefined) return
      this.table.delete(oldest.id)
      this.answers -= oldest.answers.size
      this.batch.removed.add(oldest)
    }
  }
}

/** What happened to sessions since the last `settle`. */
class SessionBatch {
  readonly opened = new Set<Session>()
  readonly used = new Set<Session>()
  readonly forgot = new Set<Session>()
  readonly removed = new Set<Session>()
  readonly executed: Array<{
    readonly session: Session
    readonly serial: number
    readonly answer: { result: Uint8Array | null }
  }> = []
}
