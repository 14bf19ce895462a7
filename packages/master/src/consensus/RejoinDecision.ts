/** Whether a master's log and state are good to start with, or whether it has to come back as another one. Pure. */
import { type Address, addressText, listensEverywhere, readAddress } from "@nxmesh/core/settings/SettingValues"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import { Result } from "effect"
import type { Rejoining } from "./RejoinFiles.ts"

/** What lies in the data directory of a master that had an identity. */
export interface RejoinFacts {
  readonly nodeId: MasterId
  readonly rejoining: Rejoining | null
  /** The entry that `diverged.json` names; `null`: there is none. */
  readonly divergedIndex: number | null
  /** Raft's log, or the command log of before. */
  readonly log: boolean
  /** `masters.json`: this master has been a member, so there was a log. */
  readonly wasMember: boolean
  /** Names of the data directory that are taken. */
  readonly names: ReadonlyArray<string>
  /** Where others may be asked. */
  readonly members: ReadonlyArray<Address>
}

export type RejoinDecision =
  | { readonly _tag: "Start" }
  /** The other identity is there: all that is left to do is to forget the old one. */
  | { readonly _tag: "Finished" }
  | { readonly _tag: "Continue"; readonly rejoining: Rejoining }
  | { readonly _tag: "Begin"; readonly rejoining: Rejoining }
  | { readonly _tag: "Refuse"; readonly problem: string }

/** What a rejoin leaves behind. */
export const isAside = (name: string): boolean => /^(?:diverged-\d+|replaced)(?:-\d+)?$/.test(name)

/** Its name says where the states parted, when somebody knows. */
export const asideName = (divergedIndex: number | null, taken: ReadonlyArray<string>): string => {
  const base = divergedIndex === null ? "replaced" : `diverged-${divergedIndex}`
  let name = base
  for (let number = 2; taken.includes(name); number++) name = `${base}-${number}`
  return name
}

const begin = (facts: RejoinFacts, reason: Rejoining["reason"]): RejoinDecision => ({
  _tag: "Begin",
  rejoining: { replaces: facts.nodeId, reason, aside: asideName(facts.divergedIndex, facts.names) }
})

const advice = "set NXMESH_JOIN to the agent address of another master, or restore a backup if there is none"

export const decideRejoin = (facts: RejoinFacts): RejoinDecision => {
  const { divergedIndex, log, members, nodeId, rejoining, wasMember } = facts
  if (rejoining !== null) {
    return rejoining.replaces === nodeId ? { _tag: "Continue", rejoining } : { _tag: "Finished" }
  }
  const isLost = !log && wasMember
  if (divergedIndex === null && !isLost) return { _tag: "Start" }
  if (members.length > 0) return begin(facts, divergedIndex === null ? "lost" : "diverged")
  return {
    _tag: "Refuse",
    problem: isLost
      ? `raft/, the log of this master, is gone from the data directory, and no other master is known: ${advice}`
      : `the state here is not what the other masters have (diverged.json), and none of them is known: ${advice}`
  }
}

/** An operator asks for it, while no master runs here. */
export const decideAskedRejoin = (facts: RejoinFacts): RejoinDecision => {
  if (facts.rejoining !== null) return decideRejoin(facts)
  if (facts.members.length > 0) return begin(facts, "asked")
  return { _tag: "Refuse", problem: `no other master is known whose log and state this one could take: ${advice}` }
}

/** Agent addresses of the others, each once: where they were, and where the operator says that they are. */
export const membersToAsk = (
  known: ReadonlyArray<MasterDescription>,
  join: ReadonlyArray<Address>,
  own: MasterId
): ReadonlyArray<Address> => {
  const remembered = known
    .filter(({ id }) => id !== own)
    .map(({ agent_address }) => readAddress(agent_address))
    .flatMap((address) => (Result.isSuccess(address) ? [address.success] : []))
  const all = [...join, ...remembered].filter((address) => !listensEverywhere(address) && address.port !== 0)
  return [...new Map(all.map((address) => [addressText(address), address])).values()]
}
