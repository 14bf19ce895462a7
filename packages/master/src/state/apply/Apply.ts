/**
 * One entry of the log applied to the state: deterministic, so that every master has the same outcome. The caller owns
 * the transaction; each entry has a savepoint of its own in it.
 */
import type { Command, Outcome, Proposal } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import type { Rejection } from "@nxmesh/protocol/Rejection"
import { versionNeeded, versionProblem } from "@nxmesh/protocol/ClusterVersion"
import { type Connection, fatalCondition } from "../Connection.ts"
import { StateVersionUnknown } from "../Migrations.ts"
import { clusterVersion } from "../ReadCluster.ts"
import { recordAudit } from "./Audit.ts"
import { recordReplay } from "./SecretsGiven.ts"
import { handle } from "./Handlers.ts"
import { rememberedOutcome, rememberOutcome } from "./IdempotencyKeys.ts"
import { authorize } from "./Permissions.ts"
import { refuse, Refusal } from "./Refusal.ts"
import { commandTarget } from "./CommandTarget.ts"
import { type Applied, type AuditSubject, timestampOf, type Transaction } from "./Transaction.ts"

export interface Entry {
  /** Position in Raft's log: those of commands grow, with gaps between them. */
  readonly index: number
  readonly term: number
  /** Milliseconds since 1970 by the clock of the leader that appended the entry, which may be behind that of the entry before. */
  readonly atMillis: number
  readonly proposal: Proposal
}

export interface AppliedEntry {
  readonly outcome: Outcome
  readonly events: ReadonlyArray<Event>
  /** What a handler threw that it should not have (rule 5): for the alarm. The entry is rejected. */
  readonly defect?: unknown
}

type Attempt = Applied | { readonly rejection: Rejection; readonly defect?: unknown }

export const defectRejection: Rejection = {
  code: "INTERNAL_ERROR",
  message: "the change could not be applied because of a defect in NxMesh: nothing was changed, see the master's log",
  details: []
}

/** Others may be able to apply the entry: to count it as refused here would part the states. */
const isFatal = (error: unknown): boolean => fatalCondition(error) !== undefined || error instanceof StateVersionUnknown

/** Runs the work inside a savepoint: undone when it is refused or defective, thrown on when this master cannot apply it. */
const attempt = (connection: Connection, work: () => Applied): Attempt => {
  connection.run("SAVEPOINT entry")
  try {
    const applied = work()
    connection.run("RELEASE entry")
    return applied
  } catch (error) {
    if (isFatal(error)) throw error
    connection.run("ROLLBACK TO entry")
    connection.run("RELEASE entry")
    return error instanceof Refusal ? { rejection: error.rejection } : { rejection: defectRejection, defect: error }
  }
}

/** The outcome that the request's key remembers, or the refusal that the key was used for another request. */
const repeated = (tx: Transaction, { idempotency }: Proposal): Outcome | undefined => {
  if (idempotency === null) return undefined
  try {
    return rememberedOutcome(tx, idempotency)
  } catch (error) {
    if (error instanceof Refusal) return { _tag: "Rejected", index: tx.index, rejection: error.rejection }
    throw error
  }
}

const outcomeOf = (index: number, result: Attempt): Outcome =>
  result.rejection === undefined
    ? { _tag: "Accepted", index, replayed: false, value: (result as Applied).value }
    : { _tag: "Rejected", index, rejection: result.rejection }

const leadershipChanged: Rejection = {
  code: "CONFLICT",
  message: "leadership changed: the task that asked for this belongs to a term that is over",
  details: []
}

/** What a leader's task asks for in its term holds in that term alone (rule 8). It is no one's act, so no audit tells of it. */
const isFencedOff = ({ proposal: { fence }, term }: Entry): boolean => fence !== undefined && fence.term !== term

const transactionOf = (connection: Connection, { index, proposal }: Entry, atMillis: number): Transaction => ({
  connection,
  index,
  atMillis,
  timestamp: timestampOf(atMillis),
  principal: proposal.principal,
  remoteAddress: proposal.remote_address,
  origin: proposal.origin
})

/** A command of a version that the cluster has not reached is refused on every master alike, whatever its build knows (rule 6). */
const requireVersion = ({ connection }: Transaction, command: Command): void => {
  if (versionNeeded(command) === 1) return
  const problem = versionProblem(command, clusterVersion(connection))
  if (problem !== null) refuse("UNPROCESSABLE", problem)
}

/** The time of an entry as apply takes it: time never goes back (rule 3). */
export const entryMillis = ({ atMillis }: Pick<Entry, "atMillis">, previousMillis: number): number =>
  Math.max(previousMillis, atMillis)

/** Applies one entry. `previousMillis` is the time of the entry before it. */
export const applyEntry = (connection: Connection, entry: Entry, previousMillis: number): AppliedEntry => {
  const { index, proposal } = entry
  const { command, idempotency } = proposal
  if (isFencedOff(entry)) return { outcome: { _tag: "Rejected", index, rejection: leadershipChanged }, events: [] }
  const tx = transactionOf(connection, entry, entryMillis(entry, previousMillis))
  const known = repeated(tx, proposal)
  if (known !== undefined) {
    recordReplay(tx, command, known)
    return { outcome: known, events: [] }
  }
  const conclude = (result: Attempt): void => {
    const subject = "audit" in result ? result.audit : refusedSubject(command)
    if (result.rejection !== undefined || subject !== null) {
      recordAudit(tx, command, subject, result.rejection?.code ?? "accepted")
    }
    if (idempotency !== null && !("defect" in result)) rememberOutcome(tx, idempotency, outcomeOf(index, result))
  }
  const result = attempt(connection, () => {
    requireVersion(tx, command)
    authorize(tx, command)
    const applied = handle(tx, command)
    conclude(applied)
    return applied
  })
  if (!("events" in result)) conclude(result)
  const outcome = outcomeOf(index, result)
  return "events" in result ? { outcome, events: result.events } : { outcome, events: [], ...defectOf(result) }
}

/** Nothing of the resource is told: the principal may not even be allowed to read it. */
const refusedSubject = (command: Command): AuditSubject | null => {
  const target = commandTarget(command)
  return target === null ? null : { ...target, before: null, after: null }
}

const defectOf = (result: Attempt) => ("defect" in result ? { defect: result.defect } : {})
