/** Sessions as a state machine in memory stores them: what `SessionChanges` say, in the order in which they say it. */
import type { Index } from "../../core/Types.ts"
import type { SessionChanges, SessionId, SessionRow } from "../../node/Sessions.ts"

interface Stored {
  readonly lastUsed: Index
  readonly acknowledged: number
  readonly answers: Map<number, Uint8Array | null>
}

export class SessionTable {
  private readonly sessions = new Map<SessionId, Stored>()

  constructor(rows: ReadonlyArray<SessionRow> = []) {
    for (const { acknowledged, answers, lastUsed, session } of rows) {
      const known = new Map(answers.map(({ result, serial }) => [serial, result]))
      this.sessions.set(session, { lastUsed, acknowledged, answers: known })
    }
  }

  apply({ answered, expired, forgotten, used }: SessionChanges): void {
    for (const session of expired) this.sessions.delete(session)
    for (const { acknowledged, lastUsed, session } of used) {
      const answers = this.sessions.get(session)?.answers ?? new Map<number, Uint8Array | null>()
      this.sessions.set(session, { lastUsed, acknowledged, answers })
    }
    for (const { below, session } of forgotten) {
      const answers = this.sessions.get(session)?.answers
      for (const serial of answers?.keys() ?? []) if (serial < below) answers?.delete(serial)
    }
    for (const { result, serial, session } of answered) this.sessions.get(session)?.answers.set(serial, result)
  }

  /** By session, answers by serial: the same for equal tables. */
  rows(): ReadonlyArray<SessionRow> {
    return [...this.sessions]
      .map(([session, { acknowledged, answers, lastUsed }]) => ({
        session,
        lastUsed,
        acknowledged,
        answers: [...answers].map(([serial, result]) => ({ serial, result })).sort((a, b) => a.serial - b.serial)
      }))
      .sort((a, b) => a.session - b.session)
  }
}
