/** Gives the audit away as a stream, reads the live chain through, and signs where it ends: a slice at a time. */
import type { ClusterId } from "@nxmesh/protocol/Ids"
import type { AuditKey, AuditPoint, AuditVerification } from "@nxmesh/protocol/model/Audit"
import { Data, DateTime, Effect, Option, Redacted, Stream } from "effect"
import { createHash } from "node:crypto"
import type { SigningKey } from "../auth/SigningKeys.ts"
import { Limits } from "../Limits.ts"
import { chainProblem, type ChainedRow, type ChainPoint } from "../state/apply/AuditChain.ts"
import { Database } from "../state/Database.ts"
import { auditHead, type AuditMarks, auditMarks, auditRows, type AuditVisibility } from "../state/ReadAudit.ts"
import { encodeLine, type ExportedRow, exportFormat } from "./ExportFormat.ts"
import { type HeadClaims, signHead } from "./SignedHead.ts"

/** The chain changed under an export: it was cut, or is damaged. */
export class ExportBroken extends Data.TaggedError("ExportBroken")<{ readonly problem: string }> {
  override get message() {
    return `the export of the audit broke off: ${this.problem}`
  }
}

/** As it is told to others: the public half alone. */
export const auditKeyOf = ({ keyId, publicJwk }: Pick<SigningKey, "keyId" | "publicJwk">): AuditKey => ({
  kty: "RSA",
  n: publicJwk.n ?? "",
  e: publicJwk.e ?? "",
  alg: "RS256",
  use: "sig",
  kid: keyId
})

export const signedHead = (claims: HeadClaims, signer: SigningKey) => ({
  signature: signHead(claims, signer.keyId, Redacted.value(signer.privateJwk) as Parameters<typeof signHead>[2]),
  key: auditKeyOf(signer)
})

const sees = (visible: AuditVisibility, row: ChainedRow): boolean =>
  visible === "all" ||
  visible.organizationIds.includes(row.organization_id ?? "") ||
  visible.workspaceIds.includes(row.workspace_id ?? "")

const exported = (row: ChainedRow): ExportedRow =>
  ({
    form: 1,
    organization_id: null,
    workspace_id: null,
    request_id: null,
    user_agent: null,
    ...row
  }) as ExportedRow

/** Turns rows into lines, and remembers what of those that are not seen has to be said. */
class Lines {
  readonly #visible: AuditVisibility
  readonly #content = createHash("sha256")
  #hidden: string | null = null
  rows = 0

  constructor(visible: AuditVisibility) {
    this.#visible = visible
  }

  say(text: string): string {
    this.#content.update(text)
    return text
  }

  gap(): string {
    const hash = this.#hidden
    this.#hidden = null
    return hash === null ? "" : this.say(encodeLine({ type: "gap", hash: hash as ExportedRow["hash"] }))
  }

  row(row: ChainedRow): string {
    if (!sees(this.#visible, row)) {
      this.#hidden = row.hash
      return ""
    }
    this.rows += 1
    return this.gap() + this.say(encodeLine({ type: "row", row: exported(row) }))
  }

  digest(): string {
    return this.#content.digest("hex")
  }
}

export interface ExportRequest {
  readonly clusterId: ClusterId
  readonly visible: AuditVisibility
  readonly after: AuditPoint
  readonly head: AuditPoint
  readonly marks: AuditMarks
  readonly signer: SigningKey
}

const toBytes = (text: string): Uint8Array => Buffer.from(text)

/** The rows in slices, each checked against the one before: what was cut meanwhile breaks the export off. */
const slices = (after: AuditPoint, head: AuditPoint) =>
  Stream.paginate(after as ChainPoint, (before) =>
    Effect.gen(function* () {
      const { reader } = yield* Database
      const rows = auditRows(reader, { after: before.entry, through: head.entry, rowsMax: Limits.audit.rowsTogether })
      let at = before
      for (const row of rows) {
        const problem = chainProblem(at, row)
        if (problem !== null) return yield* new ExportBroken({ problem })
        at = row
      }
      yield* Effect.yieldNow
      const isLast = at.entry >= head.entry
      if (rows.length === 0 && !isLast) return yield* new ExportBroken({ problem: "rows of it were cut meanwhile" })
      return [[rows], isLast ? Option.none() : Option.some(at)] as const
    })
  )

export const exportStream = (request: ExportRequest): Stream.Stream<Uint8Array, ExportBroken, Database> =>
  Stream.suspend(() => {
    const { after, clusterId, head, marks, signer, visible } = request
    const lines = new Lines(visible)
    const first = lines.say(encodeLine({ type: "audit", format: exportFormat, cluster_id: clusterId, after }))
    const last = Effect.gen(function* () {
      const gap = lines.gap()
      const signed_at = DateTime.formatIso(yield* DateTime.now)
      const claims = {
        ...head,
        cluster_id: clusterId,
        signed_at,
        anchor: marks.anchor,
        export: { content: lines.digest(), after, rows: lines.rows }
      }
      return toBytes(gap + encodeLine({ type: "head", ...signedHead(claims, signer) }))
    })
    const rows = slices(after, head).pipe(Stream.map((slice) => toBytes(slice.map((row) => lines.row(row)).join(""))))
    return Stream.make(toBytes(first)).pipe(Stream.concat(rows), Stream.concat(Stream.fromEffect(last)))
  })

/** Reads the live chain from its anchor on. */
export const verifyChain: Effect.Effect<AuditVerification, never, Database> = Effect.gen(function* () {
  const { reader } = yield* Database
  const { anchor } = auditMarks(reader)
  const head = auditHead(reader)
  let at: ChainPoint = anchor
  let rows = 0
  const answer = (problem: string | null): AuditVerification => ({
    whole: problem === null,
    problem,
    rows,
    anchor,
    head
  })
  while (at.entry < head.entry) {
    const slice = auditRows(reader, { after: at.entry, through: head.entry, rowsMax: Limits.audit.rowsTogether })
    for (const row of slice) {
      const problem = chainProblem(at, row)
      if (problem !== null) return answer(problem)
      at = row
      rows += 1
    }
    if (slice.length === 0) return answer("rows were cut while the chain was read: ask again")
    yield* Effect.yieldNow
  }
  return answer(null)
})
