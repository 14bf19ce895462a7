/**
 * One SQLite file with registers, sessions and the index of the last entry applied, all changed in one transaction.
 *
 * `synchronous = NORMAL`: a commit is not flushed, so a power cut may take the newest transactions, each as a whole. The
 * log has their entries, and applies them again after `applied`.
 */
import { DatabaseSync } from "node:sqlite"
import type { StatementSync } from "node:sqlite"
import type { Answered, SessionChanges, SessionId, SessionRow } from "../../../node/Sessions.ts"
import type { Batch, MachineState } from "../../../node/StateMachine.ts"
import { execute } from "../Registers.ts"
import type { Registers } from "../Registers.ts"
import { type CheckpointCounts, Checkpoints } from "../../../sqlite/Checkpoints.ts"
import { packAnswers, unpackAnswers } from "./PackedAnswers.ts"

const schema = `
  CREATE TABLE registers (key TEXT PRIMARY KEY, value BLOB NOT NULL);
  CREATE TABLE applied (id INTEGER PRIMARY KEY CHECK (id = 1), log_index INTEGER NOT NULL, term INTEGER NOT NULL);
  CREATE TABLE sessions (session INTEGER PRIMARY KEY, last_used INTEGER NOT NULL, acknowledged INTEGER NOT NULL);
  CREATE TABLE answers (session INTEGER, highest INTEGER, packed BLOB NOT NULL, PRIMARY KEY (session, highest)) WITHOUT ROWID;
  INSERT INTO applied VALUES (1, 0, 0);
`

/** A command changes a few hundred bytes somewhere, and each page that changes is written whole: small ones are less to write. */
const pageBytes = 1_024
/** A checkpoint is made beside apply when the -wal is so large; in the thread of apply when that does not keep up. */
const checkpointBytes = 16 * 1_048_576
const walBytesMax = 64 * 1_048_576

/** There is no other writer, only the thread of a checkpoint that was not yet over when the database was closed. */
const busyMillisMax = 5_000

interface SessionColumns {
  readonly session: number
  readonly last_used: number
  readonly acknowledged: number
}

const put = `INSERT INTO registers VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`
const useSession = `INSERT INTO sessions VALUES (?, ?, ?)
  ON CONFLICT (session) DO UPDATE SET last_used = excluded.last_used, acknowledged = excluded.acknowledged`

export class KeyValueDatabase {
  private readonly database: DatabaseSync
  private readonly statements: Readonly<Record<keyof typeof statements, StatementSync>>
  private readonly checkpoints: Checkpoints
  readonly registers: Registers

  /** Makes an empty one, whole in its one file. */
  static create(path: string): void {
    const database = new DatabaseSync(path)
    database.exec(`PRAGMA page_size = ${pageBytes}; BEGIN; ${schema} COMMIT`)
    database.close()
  }

  constructor(path: string) {
    this.database = new DatabaseSync(path, { timeout: busyMillisMax })
    this.database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA cache_size = -65536;
      PRAGMA wal_autocheckpoint = ${walBytesMax / pageBytes};
    `)
    this.statements = prepareAll(this.database)
    const checkpoints = {
      NOOP: this.database.prepare("PRAGMA wal_checkpoint(NOOP)"),
      PASSIVE: this.database.prepare("PRAGMA wal_checkpoint(PASSIVE)")
    }
    this.checkpoints = new Checkpoints({
      checkpoint: (mode) => checkpoints[mode].get() as unknown as CheckpointCounts,
      file: path,
      frames: checkpointBytes / pageBytes,
      // Without the thread SQLite makes checkpoints in that of apply, from a larger -wal on: slower, and as safe.
      failed: () => undefined
    })
    const { get, put: set, remove } = this.statements
    this.registers = {
      get: (key) => (get.get(key)?.["value"] as Uint8Array | undefined) ?? null,
      set: (key, value) => void set.run(key, value),
      remove: (key) => void remove.run(key)
    }
  }

  load(): MachineState {
    const { answersOf, applied, sessions } = this.statements
    const rows = sessions.all() as unknown as ReadonlyArray<SessionColumns>
    return {
      applied: applied.get()?.["log_index"] as number,
      sessions: rows.map(({ acknowledged, last_used, session }): SessionRow => {
        const packed = answersOf.all(session) as unknown as ReadonlyArray<{ readonly packed: Uint8Array }>
        const answers = packed.flatMap((row) => unpackAnswers(row.packed))
        // A row is removed once all of it is forgotten.
        const kept = answers.filter(({ serial }) => serial >= acknowledged)
        return { session, lastUsed: last_used, acknowledged, answers: kept }
      })
    }
  }

  apply({ commands, last, sessionChanges }: Batch): ReadonlyArray<Uint8Array> {
    const { begin, commit, rollback, setApplied } = this.statements
    begin.run()
    try {
      const results = commands.map(({ data }) => execute(this.registers, data))
      this.changeSessions(sessionChanges(results))
      setApplied.run(last.index, last.term)
      commit.run()
      this.checkpoints.afterCommit()
      return results
    } catch (cause) {
      if (this.database.isTransaction) rollback.run()
      throw cause
    }
  }

  close(): void {
    void this.checkpoints.close()
    this.database.close()
  }

  private changeSessions({ answered, expired, forgotten, used }: SessionChanges): void {
    const { addAnswers, forgetAnswers, removeAnswers, removeSession, useSession: use } = this.statements
    for (const session of expired) {
      removeSession.run(session)
      removeAnswers.run(session)
    }
    for (const { acknowledged, lastUsed, session } of used) use.run(session, lastUsed, acknowledged)
    for (const { below, session } of forgotten) forgetAnswers.run(session, below)
    for (const [session, answers] of bySession(answered)) {
      const highest = answers.reduce((max, { serial }) => Math.max(max, serial), 0)
      addAnswers.run(session, highest, packAnswers(answers))
    }
  }
}

const statements = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  get: "SELECT value FROM registers WHERE key = ?",
  put,
  remove: "DELETE FROM registers WHERE key = ?",
  applied: "SELECT log_index FROM applied",
  setApplied: "UPDATE applied SET log_index = ?, term = ?",
  sessions: "SELECT session, last_used, acknowledged FROM sessions",
  useSession,
  removeSession: "DELETE FROM sessions WHERE session = ?",
  answersOf: "SELECT packed FROM answers WHERE session = ?",
  addAnswers: "INSERT INTO answers VALUES (?, ?, ?)",
  forgetAnswers: "DELETE FROM answers WHERE session = ? AND highest < ?",
  removeAnswers: "DELETE FROM answers WHERE session = ?"
} as const

const prepareAll = (database: DatabaseSync): Readonly<Record<keyof typeof statements, StatementSync>> =>
  Object.fromEntries(Object.entries(statements).map(([name, sql]) => [name, database.prepare(sql)])) as Record<
    keyof typeof statements,
    StatementSync
  >

const bySession = (answered: SessionChanges["answered"]): ReadonlyMap<SessionId, ReadonlyArray<Answered>> => {
  const sessions = new Map<SessionId, Array<Answered>>()
  for (const answer of answered) {
    const known = sessions.get(answer.session)
    if (known === undefined) sessions.set(answer.session, [answer])
    else known.push(answer)
  }
  return sessions
}
