/** What a master does about the checks of the masters' states that its state holds (rule 12). Pure. */
import type { CommandTag } from "@nxmesh/protocol/Command"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { StoredMaster } from "@nxmesh/protocol/model/Master"
import { WritesRefused } from "../command/WriteGate.ts"
import { judgeChecks, type Judged, type StateCheck } from "../state/digest/JudgeDigests.ts"
import type { Digest } from "../state/digest/RowDigest.ts"

export interface StateCheckView {
  readonly self: MasterId
  readonly masters: ReadonlyArray<Pick<StoredMaster, "id" | "name">>
  /** In the order of the log. */
  readonly checks: ReadonlyArray<StateCheck>
  /** What this master noted at the newest check that it applied. */
  readonly own: { readonly entry: number; readonly digest: Digest } | undefined
}

export const judged = ({ checks, masters }: StateCheckView): Judged | null =>
  judgeChecks(checks, new Set(masters.map(({ id }) => id)))

/** What this master has yet to tell the others; `null`: nothing. */
export const dueReport = ({
  checks,
  masters,
  own,
  self
}: StateCheckView): NonNullable<StateCheckView["own"]> | null => {
  const newest = checks.at(-1)
  if (newest === undefined || own === undefined || own.entry !== newest.entry) return null
  const isMember = masters.some(({ id }) => id === self)
  return isMember && !newest.reports.has(self) ? own : null
}

export interface OwnDivergence {
  readonly entry: number
  readonly ownDigest: Digest
  readonly clusterDigest: Digest
  /** Voters whose state is right: one of them may lead. */
  readonly right: ReadonlyArray<MasterId>
}

/**
 * Whether it is this master that is odd. Its own note counts, and not only what was said in its name: a state that it has
 * taken from another one since then has that one's note.
 */
export const ownDivergence = (view: StateCheckView): OwnDivergence | null => {
  const found = judged(view)
  if (found === null || found.verdict._tag !== "Agreed" || !found.verdict.odd.includes(view.self)) return null
  const { digest } = found.verdict
  if (view.own?.entry !== found.entry || view.own.digest === digest) return null
  const check = view.checks.find(({ entry }) => entry === found.entry)
  const right = (check?.voters ?? []).filter((id) => check?.reports.get(id) === digest)
  return { entry: found.entry, ownDigest: view.own.digest, clusterDigest: digest, right }
}

const nameIn =
  ({ masters }: StateCheckView) =>
  (id: MasterId): string =>
    masters.find((master) => master.id === id)?.name ?? id

/** Why nothing may be changed; `null`: it may. */
export const freezeReason = (view: StateCheckView): string | null => {
  const found = judged(view)
  if (found === null || found.verdict._tag !== "Split") return null
  const groups = found.verdict.groups.map((ids) => ids.map(nameIn(view)).join(" and ")).join(" | ")
  return (
    `the states of the masters differ at entry ${found.entry}, and no majority has the same (${groups}). Find out whose ` +
    "is right, and take the others out with `nxmesh cluster remove`, one by one, until a majority agrees; then add them anew"
  )
}

/** Sentences for the operator. */
export const stateWarnings = (view: StateCheckView): ReadonlyArray<string> => {
  const frozen = freezeReason(view)
  if (frozen !== null) return [`changes are refused: ${frozen}`]
  const found = judged(view)
  if (found === null || found.verdict._tag !== "Agreed") return []
  return found.verdict.odd.map(
    (id) =>
      `the state of ${nameIn(view)(id)} differs from that of a majority at entry ${found.entry}: it stops, and takes ` +
      "the others' state when it is started again"
  )
}

/** True while some master's state is not that of the others. */
export const isDiverged = (view: StateCheckView): boolean => {
  const found = judged(view)
  return found !== null && (found.verdict._tag === "Split" || found.verdict.odd.length > 0)
}

/** The last one at which a majority had the same state; 0: none is known. */
export const agreedEntry = (view: StateCheckView): number => {
  const found = judged(view)
  return found !== null && found.verdict._tag === "Agreed" ? found.entry : 0
}

/** What finds out and mends, and lets an operator in who does, and who makes a backup of each state before. */
const passing: ReadonlySet<CommandTag> = new Set<CommandTag>([
  "CheckState",
  "ReportDigest",
  "CreateJoinToken",
  "RevokeJoinToken",
  "AdmitMaster",
  "DescribeMaster",
  "SetMasterVoting",
  "RemoveMaster",
  "SetFreeze",
  "RecordBackup",
  "ClaimAgents",
  "StartSession",
  "RotateSession",
  "EndSession",
  "RecordLoginFailure"
])

/** Deletes are refused as well: on a wrong state they take away what is not to be. */
export const divergedGate =
  (reason: string) =>
  (tag: CommandTag): WritesRefused | null =>
    passing.has(tag) ? null : new WritesRefused({ reason })
