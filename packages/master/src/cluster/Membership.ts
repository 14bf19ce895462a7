/**
 * The next step from Raft's members as they are to the members that the replicated table wants (design section 6, thesis
 * 4). One change at a time, and none after which fewer voters are alive than must agree. Pure: the leader's task asks
 * again after every step, so nothing has to be remembered and a change of the table in the middle does no harm.
 *
 * - Who is missing is added as a learner, which costs nothing: a learner is not counted.
 * - A learner is promoted when it has caught up and has stayed so for a while. Two voters tolerate no failure, so one
 *   that comes and goes would stop every write. Masters of a cluster that is just being formed do not wait: nobody
 *   depends on it yet, and forming takes seconds that way.
 * - Of several steps for voters the one comes first that leaves the most voters to spare. So a new one is promoted before
 *   a live one leaves, and a dead one leaves before it can hold anything up.
 * - A leader that is to leave or to be demoted hands over first; the next one does the rest.
 */
import { isJoint } from "@nxmesh/raft/core/Configuration"
import type { Configuration } from "@nxmesh/raft/core/Types"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"
import { aliveMasters, type PeerRecord, type PeerRecords } from "./PeerRecords.ts"
import { majority } from "./Quorum.ts"

/** One row of the table, as far as it matters here. */
export interface WantedMaster {
  readonly id: MasterId
  readonly voter: boolean
  /** It was admitted in the first minute of its cluster. */
  readonly isFounder: boolean
}

export interface MembershipView {
  /** The leader that decides. */
  readonly self: MasterId
  readonly wanted: ReadonlyArray<WantedMaster>
  readonly configuration: Configuration
  /** The configuration is committed. */
  readonly isCommitted: boolean
  readonly records: PeerRecords
  readonly nowMillis: number
}

export type MemberStep = "Add" | "Promote" | "Demote" | "Remove"

export interface Change {
  readonly _tag: "Change"
  readonly step: MemberStep
  readonly id: MasterId
  readonly voters: ReadonlyArray<MasterId>
  readonly learners: ReadonlyArray<MasterId>
}

export type NextStep =
  | Change
  /** To `to`, so that this leader may leave or stop voting. */
  | { readonly _tag: "HandOver"; readonly to: MasterId }
  /** Something is wanted that cannot be done at present. */
  | { readonly _tag: "Wait"; readonly reason: string }
  | { readonly _tag: "Done" }

const done: NextStep = { _tag: "Done" }
const wait = (reason: string): NextStep => ({ _tag: "Wait", reason })

interface Members {
  readonly voters: ReadonlyArray<MasterId>
  readonly learners: ReadonlyArray<MasterId>
}

/** Masters are Raft's nodes, under the same ids. */
const membersOf = ({ learners, voters }: Configuration): Members => ({
  voters: voters.map((id) => id as MasterId),
  learners: learners.map((id) => id as MasterId)
})

const without = (ids: ReadonlyArray<MasterId>, id: MasterId) => ids.filter((other) => other !== id)

const changes: Readonly<Record<MemberStep, (members: Members, id: MasterId) => Members>> = {
  Add: ({ learners, voters }, id) => ({ voters, learners: [...learners, id] }),
  Promote: ({ learners, voters }, id) => ({ voters: [...voters, id], learners: without(learners, id) }),
  Demote: ({ learners, voters }, id) => ({ voters: without(voters, id), learners: [...learners, id] }),
  Remove: ({ learners, voters }, id) => ({ voters: without(voters, id), learners: without(learners, id) })
}

const change = (members: Members, step: MemberStep, id: MasterId): Change => ({
  _tag: "Change",
  step,
  id,
  ...changes[step](members, id)
})

/** Why a learner is not promoted yet; `null`: it may be. */
export const promotionProblem = (
  { isFounder }: WantedMaster,
  record: PeerRecord | undefined,
  nowMillis: number
): string | null => {
  const since = record?.caughtUpSinceMillis ?? null
  if (since === null) {
    switch (record?.catchUp) {
      case "TooSlow":
        return "it gets entries, but slower than they are written: give it a faster disk or network"
      case "Stalled":
        return "nothing arrives there: is it running, and does it reach the others on their peer addresses?"
      default:
        return "it is catching up"
    }
  }
  return isFounder || nowMillis - since >= Duration.toMillis(Limits.cluster.promotionStability)
    ? null
    : "it has caught up, and has to stay so for a while"
}

/** Voters that may still fail after the change; negative: a majority would be missing. */
const spare = (voters: ReadonlyArray<MasterId>, alive: ReadonlySet<MasterId>): number =>
  voters.filter((id) => alive.has(id)).length - majority(voters.length)

/** Of changes that leave equally many to spare, a dead voter leaves first and a live one last. */
const rankOf = ({ id, step }: Change, alive: ReadonlySet<MasterId>): number => {
  if (step === "Promote") return 1
  return alive.has(id) ? 2 : 0
}

/** The live voter that has most of the log and is to stay one. */
const successorOf = (voters: ReadonlyArray<MasterId>, view: MembershipView, alive: ReadonlySet<MasterId>) => {
  const staying = new Set(view.wanted.flatMap(({ id, voter }) => (voter ? [id] : [])))
  const matched = (id: MasterId) => view.records.peers.get(id)?.match ?? 0
  return voters
    .filter((id) => id !== view.self && staying.has(id) && alive.has(id))
    .toSorted((a, b) => matched(b) - matched(a) || (a < b ? -1 : 1))[0]
}

/** Learners first: they are not counted, so adding or removing one is always safe. */
const learnerStep = (members: Members, wanted: ReadonlyMap<MasterId, WantedMaster>): Change | undefined => {
  const present = new Set([...members.voters, ...members.learners])
  const gone = members.learners.find((id) => !wanted.has(id))
  if (gone !== undefined) return change(members, "Remove", gone)
  const missing = [...wanted.keys()].find((id) => !present.has(id))
  return missing === undefined ? undefined : change(members, "Add", missing)
}

interface VoterSteps {
  readonly possible: ReadonlyArray<Change>
  readonly waiting: ReadonlyArray<string>
}

const voterSteps = (
  members: Members,
  view: MembershipView,
  wanted: ReadonlyMap<MasterId, WantedMaster>
): VoterSteps => {
  const possible: Array<Change> = []
  const waiting: Array<string> = []
  for (const id of members.learners) {
    const master = wanted.get(id)
    if (master === undefined || !master.voter) continue
    const problem = promotionProblem(master, view.records.peers.get(id), view.nowMillis)
    if (problem === null) possible.push(change(members, "Promote", id))
    else waiting.push(`master ${id} does not vote yet: ${problem}`)
  }
  for (const id of members.voters) {
    const master = wanted.get(id)
    if (master?.voter !== true) possible.push(change(members, master === undefined ? "Remove" : "Demote", id))
  }
  return { possible, waiting }
}

export const nextStep = (view: MembershipView): NextStep => {
  const { configuration, isCommitted, nowMillis, records, self } = view
  if (!isCommitted || isJoint(configuration)) return wait("the last change of members is not finished")
  const wanted = new Map(view.wanted.map((master) => [master.id, master]))
  // Such a table is not filled yet, or damaged: nobody is removed because of it.
  if (!view.wanted.some(({ voter }) => voter)) return wait("no master is wanted as a voter")
  const members = membersOf(configuration)
  const ofLearners = learnerStep(members, wanted)
  if (ofLearners !== undefined) return ofLearners

  const alive = aliveMasters(self, records, nowMillis)
  const { possible, waiting } = voterSteps(members, view, wanted)
  const [best] = possible
    .filter(({ id, voters }) => id !== self && voters.length > 0 && spare(voters, alive) >= 0)
    .toSorted((a, b) => spare(b.voters, alive) - spare(a.voters, alive) || rankOf(a, alive) - rankOf(b, alive))
  if (best !== undefined) return best
  const successor = possible.some(({ id }) => id === self) ? successorOf(members.voters, view, alive) : undefined
  if (successor !== undefined && spare(without(members.voters, self), alive) >= 0) {
    return { _tag: "HandOver", to: successor }
  }
  const [reason] = [...possible.map(blockage), ...waiting]
  return reason === undefined ? done : wait(reason)
}

const blockage = ({ id, step }: Change): string =>
  step === "Promote"
    ? `master ${id} cannot vote yet: too few voters are alive for a majority with it`
    : `master ${id} still votes: too few others are alive for a majority without it`
