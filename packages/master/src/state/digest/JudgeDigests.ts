/**
 * What the masters' digests of the state at one entry say (rule 12). Every master has the same reports from the log, and judges
 * them by the same function: nobody has to be asked. Pure.
 */
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { Digest } from "./RowDigest.ts"

/** One check: the entry at which every master notes its digest, and what they said so far. */
export interface StateCheck {
  readonly entry: number
  /** Those that voted at that entry. Some may have been removed since. */
  readonly voters: ReadonlyArray<MasterId>
  /** One for each that has answered: voters, and masters that only listen. */
  readonly reports: ReadonlyMap<MasterId, Digest>
}

export type Verdict =
  /** A majority of the voters has this state. `odd`: who has another one, and has to take theirs. */
  | { readonly _tag: "Agreed"; readonly digest: Digest; readonly odd: ReadonlyArray<MasterId> }
  /** No state has a majority, and nobody can say whose is right. `groups`: who has the same. */
  | { readonly _tag: "Split"; readonly groups: ReadonlyArray<ReadonlyArray<MasterId>> }
  /** Too few have said something. */
  | { readonly _tag: "Unknown" }

const groupsOf = (reports: ReadonlyArray<readonly [MasterId, Digest]>): ReadonlyMap<Digest, ReadonlyArray<MasterId>> =>
  new Map(
    [...Map.groupBy(reports, ([, digest]) => digest)].map(([digest, members]) => [digest, members.map(([id]) => id)])
  )

/**
 * `members`: who is one now; what a removed master said counts for nothing, which is how an operator decides a split.
 * `isOver`: a later check has begun, so that who has not answered is not waited for. Until then a difference is called a
 * split only when no answer that is still to come could make a majority.
 */
export const judgeDigests = (
  { reports, voters: votersThen }: StateCheck,
  members: ReadonlySet<MasterId>,
  isOver: boolean
): Verdict => {
  const voters = votersThen.filter((id) => members.has(id))
  const present = [...reports].filter(([id]) => members.has(id))
  const groups = groupsOf(present.filter(([id]) => voters.includes(id)))
  const majority = Math.floor(voters.length / 2) + 1
  const largest = [...groups].reduce<readonly [Digest, number]>(
    (best, [digest, ids]) => (ids.length > best[1] ? [digest, ids.length] : best),
    ["", 0]
  )
  const [digest, count] = largest
  if (count >= majority) {
    return { _tag: "Agreed", digest, odd: present.filter(([, other]) => other !== digest).map(([id]) => id) }
  }
  const missing = voters.filter((id) => !reports.has(id)).length
  const isHopeless = count + missing < majority
  return groups.size > 1 && (isOver || isHopeless)
    ? { _tag: "Split", groups: [...groups.values()] }
    : { _tag: "Unknown" }
}

/** A check that says something. */
export interface Judged {
  readonly entry: number
  readonly verdict: Exclude<Verdict, { readonly _tag: "Unknown" }>
}

/** The newest check that says something decides: one with too few answers takes nothing back. `checks` in the order of the log. */
export const judgeChecks = (checks: ReadonlyArray<StateCheck>, members: ReadonlySet<MasterId>): Judged | null => {
  const newest = checks.at(-1)?.entry
  for (const check of checks.toReversed()) {
    const verdict = judgeDigests(check, members, check.entry !== newest)
    if (verdict._tag !== "Unknown") return { entry: check.entry, verdict }
  }
  return null
}
