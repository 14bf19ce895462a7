/**
 * Retention of the audit (design-cluster.md 4): a command with an explicit cut, after an export, that leaves its anchor.
 *
 * A row may be cut when all of these hold: an export that was given away to its end holds it, and every row before it was in
 * that export, or in exports that follow each other without a gap; whoever cuts shows the head of an export, by entry and
 * hash, that is at or after the row; and that head is what the chain has there.
 */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { AuditPoint } from "@nxmesh/protocol/model/Audit"
import { Limits } from "../../Limits.ts"
import { type AuditMarks, auditMarks } from "../ReadAudit.ts"
import { refuse } from "./Refusal.ts"
import type { Applied, Transaction } from "./Transaction.ts"

const hashOf = ({ connection }: Transaction, entry: number): string | undefined =>
  connection.get<{ readonly hash: string }>("SELECT hash FROM audit WHERE entry = ?", entry)?.hash

/** The chain has this point, or began behind it. */
const isHeld = (tx: Transaction, { anchor }: AuditMarks, { entry, hash }: AuditPoint): boolean =>
  hashOf(tx, entry) === hash || (anchor.entry === entry && anchor.hash === hash)

/** An export of the whole chain was given away. One that leaves a gap to those before is on the record and moves nothing. */
export const recordAuditExport = (tx: Transaction, command: CommandOf<"RecordAuditExport">): Applied => {
  const { after, head } = command
  const marks = auditMarks(tx.connection)
  if (!isHeld(tx, marks, head)) refuse("CONFLICT", `the audit has no entry ${head.entry} with this hash`)
  const follows = after.entry <= Math.max(marks.exported.entry, marks.anchor.entry)
  if (follows && head.entry > marks.exported.entry) {
    tx.connection.run("UPDATE audit_marks SET exported_entry = ?, exported_hash = ?", head.entry, head.hash)
  }
  return {
    value: null,
    events: [],
    audit: { kind: "audit", id: String(head.entry), before: null, after: { exported: { after, head } } }
  }
}

export const cutAudit = (tx: Transaction, { exported, through }: CommandOf<"CutAudit">): Applied => {
  const { connection } = tx
  const marks = auditMarks(connection)
  const hash = hashOf(tx, through)
  if (hash === undefined) {
    return refuse("NOT_FOUND", `the audit has no entry ${through}: it begins after entry ${marks.anchor.entry}`)
  }
  if (through > exported.entry || through > marks.exported.entry) {
    const last = Math.min(exported.entry, marks.exported.entry)
    refuse(
      "CONFLICT",
      `entry ${through} was not exported: export the audit first, the last exported entry is ${last}`,
      [{ field: "through", message: `must be at most ${last}` }]
    )
  }
  if (!isHeld(tx, marks, exported)) {
    refuse("CONFLICT", "the export is not of this chain: its head has another hash than the audit has there", [
      { field: "exported.hash", message: `is not that of entry ${exported.entry}` }
    ])
  }
  const rows = connection.get<{ readonly count: number }>(
    "SELECT count(*) AS count FROM (SELECT 1 FROM audit WHERE entry <= ? LIMIT ?)",
    through,
    Limits.audit.cutRowsMax + 1
  )
  if ((rows?.count ?? 0) > Limits.audit.cutRowsMax) {
    refuse("UNPROCESSABLE", `at most ${Limits.audit.cutRowsMax} rows are cut at once: cut at an earlier entry first`)
  }
  const cut = connection.run("DELETE FROM audit WHERE entry <= ?", through)
  connection.run("UPDATE audit_marks SET anchor_entry = ?, anchor_hash = ?", through, hash)
  const anchor = { entry: through, hash }
  return {
    value: { rows: cut, anchor },
    events: [],
    audit: {
      kind: "audit",
      id: String(through),
      before: { anchor: marks.anchor },
      after: { anchor, rows: cut, exported }
    }
  }
}
