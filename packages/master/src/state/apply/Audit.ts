/** Who did what, in the order of the log: the row that an entry adds to the chain. */
import type { Command } from "@nxmesh/protocol/Command"
import { principalName } from "@nxmesh/protocol/Principal"
import { clusterVersion } from "../ReadCluster.ts"
import { auditAnchor, auditHash, type AuditRow } from "./AuditChain.ts"
import { auditPlace } from "./AuditPlace.ts"
import { auditText, firstText } from "./AuditText.ts"
import type { AuditSubject, Transaction } from "./Transaction.ts"

const lastHash = ({ connection }: Transaction): string | undefined =>
  connection.get<{ readonly hash: string }>("SELECT hash FROM audit ORDER BY entry DESC LIMIT 1")?.hash

const insert = (tx: Transaction, row: AuditRow): void => {
  const columns = { ...row, hash: auditHash(row) }
  const names = Object.keys(columns)
  tx.connection.run(
    `INSERT INTO audit (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
    ...Object.values(columns)
  )
}

const common = (tx: Transaction, command: Command, subject: AuditSubject | null, outcome: string) => ({
  entry: tx.index,
  at: tx.timestamp,
  principal: principalName(tx.principal),
  command: command._tag,
  kind: subject?.kind ?? null,
  resource_id: subject?.id ?? null,
  remote_address: tx.remoteAddress,
  outcome
})

/** As up to cluster version 3. */
const recordFirst = (tx: Transaction, command: Command, subject: AuditSubject | null, outcome: string): void =>
  insert(tx, {
    ...common(tx, command, subject, outcome),
    before: firstText(subject?.before),
    after: firstText(subject?.after),
    previous_hash: lastHash(tx) ?? auditAnchor
  })

/** The hash that the first row left after a cut follows. */
const anchorHash = ({ connection }: Transaction): string =>
  connection.get<{ readonly anchor_hash: string }>("SELECT anchor_hash FROM audit_marks")?.anchor_hash ?? auditAnchor

/** Adds the entry to the chain. `subject` is `null` when the command was refused before it touched anything. */
export const recordAudit = (tx: Transaction, command: Command, subject: AuditSubject | null, outcome: string): void => {
  if (clusterVersion(tx.connection) < 4) return recordFirst(tx, command, subject, outcome)
  const place = auditPlace(tx, command, subject)
  insert(tx, {
    ...common(tx, command, subject, outcome),
    before: auditText(subject?.before),
    after: auditText(subject?.after),
    previous_hash: lastHash(tx) ?? anchorHash(tx),
    form: 2,
    organization_id: place.organization_id,
    workspace_id: place.workspace_id,
    request_id: tx.origin?.request_id ?? null,
    user_agent: tx.origin?.user_agent ?? null
  })
}
