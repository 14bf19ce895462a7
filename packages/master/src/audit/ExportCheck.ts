/**
 * Whether an export of the audit is what was given away: read line by line, in bounded memory, offline. One byte that changed, a
 * row that is missing, was added or stands elsewhere, and a head that is cut off are found. Pure but for its own state.
 */
import { createHash } from "node:crypto"
import type { AuditKey, AuditPoint } from "@nxmesh/protocol/model/Audit"
import { type ChainPoint, chainProblem } from "../state/apply/AuditChain.ts"
import { decodeLine, type ExportedRow, exportFormat, type ExportLine } from "./ExportFormat.ts"
import { type HeadClaims, keyThumbprint, openHead } from "./SignedHead.ts"

export interface ExportVerdict {
  readonly rows: number
  /** Places where rows stand that whoever exported may not see. */
  readonly gaps: number
  readonly after: AuditPoint
  readonly head: AuditPoint
  readonly cluster_id: string
  readonly signed_at: string
  readonly key_id: string
  /** False when only the export's own key said so: then compare `key_id` with the cluster's. */
  readonly trusted: boolean
}

export interface ExportCheckOptions {
  /** The cluster's keys, of before; `null`: the key in the export itself is taken. */
  readonly keys: ReadonlyArray<AuditKey> | null
  /** A head that was kept: the export has to hold its entry with its hash. */
  readonly kept: HeadClaims | null
}

type Head = Extract<ExportLine, { readonly type: "head" }>

const same = (left: ChainPoint, right: ChainPoint): boolean => left.entry === right.entry && left.hash === right.hash

export class ExportCheck {
  readonly #options: ExportCheckOptions
  readonly #content = createHash("sha256")
  #number = 0
  #begin: Extract<ExportLine, { readonly type: "audit" }> | null = null
  #at: ChainPoint | null = null
  #rows = 0
  #gaps = 0
  #head: Head | null = null
  #keptSeen = false
  #isGap = false

  constructor(options: ExportCheckOptions) {
    this.#options = options
  }

  /** What is wrong with the next line, given without its line feed; `null`: nothing. */
  line(bytes: Uint8Array): string | null {
    this.#number += 1
    const line = decodeLine(bytes)
    const problem = line === null ? "it was changed, or is no line of an export" : this.#take(line)
    if (problem !== null) return `line ${this.#number}: ${problem}`
    if (this.#head === null) this.#content.update(bytes).update("\n")
    return null
  }

  #take(line: ExportLine): string | null {
    if (this.#head !== null) return "it stands behind the head: it was added"
    if ((this.#begin === null) !== (line.type === "audit")) return "an export begins with one line that says what it is"
    switch (line.type) {
      case "audit":
        if (line.format !== exportFormat) return `the export has format ${line.format}: use a newer NxMesh`
        this.#begin = line
        this.#at = line.after
        this.#keptSeen = this.#isKept(line.after)
        return null
      case "row":
        return this.#row(line.row)
      case "gap":
        if (this.#isGap) return "two gaps stand beside each other: it was added"
        this.#isGap = true
        this.#gaps += 1
        this.#at = { entry: this.#at?.entry ?? 0, hash: line.hash }
        return null
      case "head":
        this.#head = line
        return null
    }
  }

  #isKept(point: ChainPoint): boolean {
    return this.#options.kept !== null && same(point, this.#options.kept)
  }

  #row(row: ExportedRow): string | null {
    const problem = this.#at === null ? "it has no beginning" : chainProblem(this.#at, row)
    if (problem !== null) return problem
    this.#at = row
    this.#isGap = false
    this.#rows += 1
    this.#keptSeen ||= this.#isKept(row)
    return null
  }

  /** After the last line: what the export is, or what is wrong with it as a whole. */
  end(): ExportVerdict | { readonly problem: string } {
    if (this.#begin === null) return { problem: "the export is empty" }
    if (this.#head === null) return { problem: "the export has no head: its end was cut off" }
    const opened = openHead(this.#head.signature, this.#options.keys ?? [this.#head.key])
    if ("problem" in opened) return opened
    const problem = this.#problemOf(opened.claims, this.#head, opened.keyId)
    if (problem !== null) return { problem }
    const { claims, keyId } = opened
    return {
      rows: this.#rows,
      gaps: this.#gaps,
      after: this.#begin.after,
      head: { entry: claims.entry, hash: claims.hash },
      cluster_id: claims.cluster_id,
      signed_at: claims.signed_at,
      key_id: keyId,
      trusted: this.#options.keys !== null
    }
  }

  #problemOf(claims: HeadClaims, { key }: Head, keyId: string): string | null {
    const begin = this.#begin
    const of = claims.export
    if (begin === null || of === undefined) return "the head is not that of an export"
    if (key.kid !== keyId || keyThumbprint(key) !== keyId) return "the key in the export is not the one that signed it"
    if (of.content !== this.#content.digest("hex")) {
      return "the lines are not those that were signed: one was changed, removed, added or moved"
    }
    if (of.rows !== this.#rows || !same(of.after, begin.after) || claims.cluster_id !== begin.cluster_id) {
      return "the head speaks of another export"
    }
    if (this.#at?.hash !== claims.hash) return "the last row is not the one that was signed: the end was cut off"
    return this.#keptProblem(claims)
  }

  #keptProblem(claims: HeadClaims): string | null {
    const { kept } = this.#options
    if (kept === null) return null
    if (kept.cluster_id !== claims.cluster_id) return "the head that was kept is of another cluster"
    return this.#keptSeen
      ? null
      : `entry ${kept.entry} of the head that was kept is not in the export with its hash: what stands before it was changed, or the export does not reach there`
  }
}
