/** Which voters a cluster needs, what it survives, and which changes would leave it without a majority. Pure. */
import type { MasterId } from "@nxmesh/protocol/Ids"

/** Voters that must agree before anything is acknowledged. */
export const majority = (voters: number): number => Math.floor(voters / 2) + 1

/** Voters that may fail while the others go on. */
export const toleratedFailures = (voters: number): number => (voters === 0 ? 0 : voters - majority(voters))

export type Verdict =
  | { readonly _tag: "Kept" }
  /** The change would leave nobody who votes. */
  | { readonly _tag: "NoVoters" }
  /** Of the voters after the change fewer are alive than must agree. */
  | { readonly _tag: "Lost"; readonly alive: number; readonly needed: number; readonly down: ReadonlyArray<MasterId> }

/** Whether the voters that a change leaves could go on without a pause. */
export const judgeVoters = (after: Iterable<MasterId>, alive: ReadonlySet<MasterId>): Verdict => {
  const voters = [...new Set(after)]
  if (voters.length === 0) return { _tag: "NoVoters" }
  const down = voters.filter((id) => !alive.has(id))
  const needed = majority(voters.length)
  const aliveCount = voters.length - down.length
  return aliveCount >= needed ? { _tag: "Kept" } : { _tag: "Lost", alive: aliveCount, needed, down }
}

/** A change of the members, as an operator asks for it. */
export type MemberChange =
  | { readonly _tag: "Remove"; readonly id: MasterId }
  | { readonly _tag: "Vote"; readonly id: MasterId; readonly voter: boolean }

const votersAfter = (voters: ReadonlyArray<MasterId>, change: MemberChange): ReadonlyArray<MasterId> =>
  change._tag === "Vote" && change.voter
    ? [...new Set([...voters, change.id])]
    : voters.filter((id) => id !== change.id)

/**
 * Judges a change for the voters that there should be and for those that Raft counts now: the two differ while members
 * come and go, and neither may lose its majority. Removing a dead voter is fine while the rest has one.
 */
export const judgeChange = (
  change: MemberChange,
  {
    alive,
    desired,
    present
  }: {
    readonly desired: ReadonlyArray<MasterId>
    readonly present: ReadonlyArray<MasterId>
    readonly alive: ReadonlySet<MasterId>
  }
): Verdict => {
  const wanted = judgeVoters(votersAfter(desired, change), alive)
  return wanted._tag === "Kept" ? judgeVoters(votersAfter(present, change), alive) : wanted
}

/** What an operator should know about this number of voters; `null` when there is nothing to say. */
export const sizeAdvice = (voters: number): string | null => {
  switch (voters) {
    case 0:
      return null
    case 1:
      return "one voter tolerates no failure: add two masters"
    case 2:
      return "two voters tolerate no failure: add a third"
    default: {
      const tolerated = toleratedFailures(voters)
      const failures = tolerated === 1 ? "one failure" : `${tolerated} failures`
      if (voters % 2 === 0) {
        return `${voters} voters tolerate ${failures}, as ${voters - 1} do: add one or demote one, so that their number is odd`
      }
      return voters > 7 ? `${voters} voters make every write slower: demote all but seven` : null
    }
  }
}
