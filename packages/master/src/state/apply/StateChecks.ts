/** The masters tell each other, through the log, what their states are at one entry of it (rule 12). */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { judgeChecks } from "../digest/JudgeDigests.ts"
import { stateDigest } from "../digest/StateDigest.ts"
import { noteOwnCheck, stateChecks } from "../ReadChecks.ts"
import { findResource, resourcesBy } from "../Resources.ts"
import type { Applied, Transaction } from "./Transaction.ts"

const changed: Applied = { value: null, events: [{ _tag: "StateCheckChanged" }], audit: null }
const unchanged: Applied = { value: null, events: [], audit: null }

/** Keeps the newest check that says something; whoever comes later has nothing to add to the others. */
const forgetOlder = ({ connection }: Transaction): void => {
  const members = new Set(resourcesBy(connection, "master", {}).map(({ id }) => id as MasterId))
  const checks = stateChecks(connection)
  // The newest is over with the entry that this is.
  const after = { entry: Number.MAX_SAFE_INTEGER, voters: [], reports: new Map() }
  const keep = judgeChecks([...checks, after], members)?.entry
  for (const { entry } of checks) {
    if (entry === keep) continue
    connection.run("DELETE FROM state_checks WHERE entry = ?", entry)
    connection.run("DELETE FROM state_reports WHERE entry = ?", entry)
  }
}

/** Each master notes its own digest as it is before this entry changes anything. The answer is the same on all of them. */
export const checkState = (tx: Transaction, _command: CommandOf<"CheckState">): Applied => {
  const { connection, index } = tx
  const digest = stateDigest(connection)
  if (digest !== undefined) noteOwnCheck(connection, index, digest)
  forgetOlder(tx)
  const voters = resourcesBy(connection, "master", {})
    .filter(({ voter }) => voter)
    .map(({ id }) => id)
  connection.run("INSERT INTO state_checks (entry, voters) VALUES (?, ?)", index, JSON.stringify(voters))
  return changed
}

/** What comes too late, or from who is no member any more, changes nothing, and is no mistake of anybody. The first word counts. */
export const reportDigest = ({ connection }: Transaction, command: CommandOf<"ReportDigest">): Applied => {
  const { digest, entry, master_id } = command
  const isKnown = connection.get("SELECT 1 AS found FROM state_checks WHERE entry = ?", entry) !== undefined
  if (!isKnown || findResource(connection, "master", master_id) === undefined) return unchanged
  const count = connection.run(
    "INSERT OR IGNORE INTO state_reports (entry, master_id, digest) VALUES (?, ?, ?)",
    entry,
    master_id,
    digest
  )
  return count === 0 ? unchanged : changed
}
