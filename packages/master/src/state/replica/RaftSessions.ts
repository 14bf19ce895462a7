/** Raft's sessions as tables of the state: what makes a command that arrives twice count once (rule 7). */
import type { SessionChanges, SessionRow } from "@nxmesh/raft/node/Sessions"
import type { Connection } from "../Connection.ts"

interface SessionColumns {
  readonly session: number
  readonly last_used: number
  readonly acknowledged: number
}

interface AnswerColumns {
  readonly session: number
  readonly serial: number
  readonly result: Uint8Array | null
}

export const readSessions = (connection: Connection): ReadonlyArray<SessionRow> => {
  const answers = Map.groupBy(
    connection.all<AnswerColumns>("SELECT session, serial, result FROM raft_answers ORDER BY session, serial"),
    ({ session }) => session
  )
  return connection
    .all<SessionColumns>("SELECT session, last_used, acknowledged FROM raft_sessions ORDER BY session")
    .map(({ acknowledged, last_used: lastUsed, session }) => ({
      session,
      lastUsed,
      acknowledged,
      answers: (answers.get(session) ?? []).map(({ result, serial }) => ({ serial, result }))
    }))
}

const use = `INSERT INTO raft_sessions (session, last_used, acknowledged) VALUES (?, ?, ?)
  ON CONFLICT (session) DO UPDATE SET last_used = excluded.last_used, acknowledged = excluded.acknowledged`

/** In the transaction of the commands whose results they hold, in the order that `SessionChanges` asks for. */
export const changeSessions = (
  connection: Connection,
  { answered, expired, forgotten, used }: SessionChanges
): void => {
  for (const session of expired) {
    connection.run("DELETE FROM raft_sessions WHERE session = ?", session)
    connection.run("DELETE FROM raft_answers WHERE session = ?", session)
  }
  for (const { acknowledged, lastUsed, session } of used) connection.run(use, session, lastUsed, acknowledged)
  for (const { below, session } of forgotten) {
    connection.run("DELETE FROM raft_answers WHERE session = ? AND serial < ?", session, below)
  }
  for (const { result, serial, session } of answered) {
    connection.run("INSERT INTO raft_answers (session, serial, result) VALUES (?, ?, ?)", session, serial, result)
  }
}
