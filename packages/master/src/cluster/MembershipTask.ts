/**
 * The leader's task that makes Raft's members follow the replicated table, one step at a time. It looks again with every
 * status of Raft, which is told each second and at changes, and whenever a row of the table changes.
 */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { StoredMaster } from "@nxmesh/protocol/model/Master"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import type { Status } from "@nxmesh/raft/node/Status"
import { Clock, Duration, Effect, Stream } from "effect"
import { Limits } from "../Limits.ts"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"
import { type LeaderTask, leaderTask } from "./LeaderTasks.ts"
import { type Change, type NextStep, nextStep, type WantedMaster } from "./Membership.ts"
import { noRecords, observe } from "./PeerRecords.ts"
import { Warnings } from "./Warnings.ts"

/** Pure. Founders are those that were admitted soon after the oldest member. */
export const wantedMasters = (masters: ReadonlyArray<StoredMaster>): ReadonlyArray<WantedMaster> => {
  const createdMillis = ({ created_at }: StoredMaster) => Date.parse(created_at)
  const oldest = Math.min(...masters.map(createdMillis))
  return masters.map((master) => ({
    id: master.id,
    voter: master.voter,
    isFounder: createdMillis(master) - oldest < Duration.toMillis(Limits.cluster.forming)
  }))
}

export const changesMasters = ({ event }: AppliedEvent): boolean =>
  event._tag === "StateReset" || (event._tag === "ResourceChanged" && event.kind === "master")

const words: Readonly<Record<Change["step"], string>> = {
  Add: "it listens from now on",
  Promote: "it votes from now on",
  Demote: "it does not vote any more",
  Remove: "it is no member any more"
}

const isCommitted = ({ commit, configurationIndex }: Status): boolean => configurationIndex <= commit

const nothing = { reason: "", sinceMillis: 0, isLogged: false }

const follow = Effect.gen(function* () {
  const node = yield* RaftNode
  const events = yield* Events
  const reads = yield* Reads
  const setWarnings = yield* (yield* Warnings).keep("membership")
  const steps = yield* (yield* Metrics).counter({
    name: "nxmesh_cluster_member_steps_total",
    help: "Changes of Raft's members that this master made as the leader.",
    labelNames: ["step"] as const
  })
  const applied = yield* events.subscribe
  let records = noRecords
  let waiting = nothing
  /** The newest configuration that this task made: a status from before it is not to decide by. */
  let madeIndex = 0

  const change = Effect.fnUntraced(function* (status: Status, { id, learners, step, voters }: Change) {
    const asked = { voters, learners, expectedIndex: status.configurationIndex }
    const made = yield* node.changeMembers(asked).pipe(
      // Somebody else changed something, or leads: the next status tells what is to be done.
      Effect.catch((error) =>
        Effect.as(Effect.logInfo(`membership: ${step} of master ${id} was not done: ${error.message}`), null)
      )
    )
    if (made === null) return
    madeIndex = made
    steps.inc({ step })
    yield* Effect.logInfo(`membership: master ${id}: ${words[step]}`, { index: made, voters: voters.length })
  })

  /** Most waits are short and as they should be; a longer one is logged, and one that lasts is for the operator. */
  const wait = (reason: string, nowMillis: number) => {
    if (reason !== waiting.reason) waiting = { reason, sinceMillis: nowMillis, isLogged: false }
    const lastsFor = (duration: Duration.Duration) => nowMillis - waiting.sinceMillis >= Duration.toMillis(duration)
    const isNews = !waiting.isLogged && lastsFor(Limits.cluster.memberStepLogged)
    if (isNews) waiting = { ...waiting, isLogged: true }
    return Effect.when(Effect.logInfo(`membership: ${reason}`), Effect.succeed(isNews)).pipe(
      Effect.andThen(setWarnings(lastsFor(Limits.cluster.memberStepWarning) ? [reason] : []))
    )
  }

  const act = (status: Status, step: NextStep, nowMillis: number) => {
    if (step._tag !== "Wait") waiting = nothing
    switch (step._tag) {
      case "Change":
        return Effect.andThen(setWarnings([]), change(status, step))
      case "HandOver":
        return Effect.logInfo(`membership: this master is to leave or to stop voting; ${step.to} takes over`).pipe(
          Effect.andThen(node.transferLeadership(step.to))
        )
      case "Wait":
        return wait(step.reason, nowMillis)
      case "Done":
        return setWarnings([])
    }
  }

  const look = Effect.gen(function* () {
    const status = yield* node.status
    const nowMillis = Number((yield* Clock.currentTimeNanos) / 1_000_000n)
    records = observe(records, status, nowMillis)
    if (status.role !== "Leader" || status.configurationIndex < madeIndex) return
    const wanted = wantedMasters(yield* reads.all("master"))
    const { configuration, id } = status
    const self = id as MasterId
    yield* act(
      status,
      nextStep({ self, wanted, configuration, isCommitted: isCommitted(status), records, nowMillis }),
      nowMillis
    )
  })

  const tableChanges = Stream.fromQueue(applied).pipe(
    Stream.filter(changesMasters),
    Stream.map(() => undefined)
  )
  const statuses = Stream.map(node.statuses, () => undefined)
  yield* Stream.merge(statuses, tableChanges).pipe(Stream.runForEach(() => look))
})

export const membershipTask: LeaderTask<never, Effect.Services<typeof follow>> = {
  name: "membership",
  run: () => follow
}

export const layerMembership = leaderTask(membershipTask)
