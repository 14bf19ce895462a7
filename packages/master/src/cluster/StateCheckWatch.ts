/**
 * Tells the others what this master's state is when a check begins, and acts on what all of them said: warns, stops changes
 * while nobody knows whose state is right, and ends this master when it is the odd one (rule 12).
 */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { stateReportRetry } from "@nxmesh/core/policy/Schedules"
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import { Sha256 } from "@nxmesh/protocol/Ids"
import type { Principal } from "@nxmesh/protocol/Principal"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Clock, Deferred, Effect, Layer, Stream } from "effect"
import { Commands } from "../command/Commands.ts"
import { WriteGate } from "../command/WriteGate.ts"
import { divergedFile } from "../consensus/RejoinFiles.ts"
import { NodeIdentity } from "../consensus/NodeIdentity.ts"
import { Limits } from "../Limits.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { Events } from "../state/Events.ts"
import { timestampOf } from "../state/apply/Transaction.ts"
import { Reads } from "../state/Reads.ts"
import { changesMasters } from "./MembershipTask.ts"
import {
  agreedEntry,
  divergedGate,
  dueReport,
  freezeReason,
  isDiverged,
  type OwnDivergence,
  ownDivergence,
  type StateCheckView,
  stateWarnings
} from "./StateCheck.ts"
import { StateDiverged, StateDivergence } from "./StateDivergence.ts"
import { Warnings } from "./Warnings.ts"

const principal: Principal = { _tag: "System", component: "state-check" }

const changesChecks = (applied: AppliedEvent): boolean =>
  applied.event._tag === "StateCheckChanged" || changesMasters(applied)

/** Another one leads before this one goes, and none of those that are as wrong. */
const handOver = Effect.fnUntraced(function* (right: OwnDivergence["right"]) {
  const node = yield* RaftNode
  for (const id of right) {
    if ((yield* node.status).role !== "Leader") return
    yield* node.transferLeadership(id)
    yield* node.statuses.pipe(
      Stream.filter(({ role }) => role !== "Leader"),
      Stream.runHead,
      Effect.timeoutOption(Limits.cluster.divergedHandover)
    )
  }
})

const nowText = Effect.map(Clock.currentTimeMillis, timestampOf)

const watch = Effect.gen(function* () {
  const commands = yield* Commands
  const events = yield* Events
  const gate = yield* WriteGate
  const node = yield* RaftNode
  const reads = yield* Reads
  const { nodeId: self } = yield* NodeIdentity
  const { path: dataDirectory } = yield* DataDirectory
  const setWarnings = yield* (yield* Warnings).keep("state-check")
  const diverged = yield* (yield* Metrics).gauge({
    name: "nxmesh_cluster_state_diverged",
    help: "1 while the state of some master is not that of the others, else 0."
  })
  const agreed = yield* (yield* Metrics).gauge({
    name: "nxmesh_cluster_state_agreed_index",
    help: "The last entry of the log at which a majority was found to have the same state; 0: none is known."
  })
  const found = yield* Deferred.make<never, StateDiverged>()

  const view: Effect.Effect<StateCheckView> = Effect.gen(function* () {
    const { checks, own } = yield* reads.stateChecks
    return { self, masters: yield* reads.masters, checks, own }
  })

  const end = Effect.fnUntraced(function* ({ clusterDigest, entry, ownDigest, right }: OwnDivergence) {
    const error = new StateDiverged({ masterId: self, dataDirectory, entry })
    yield* Effect.logError(error.message, { entry, own_digest: ownDigest, cluster_digest: clusterDigest })
    const mark = { index: entry, own_digest: ownDigest, cluster_digest: clusterDigest, at: yield* nowText }
    yield* divergedFile
      .write(dataDirectory, mark)
      .pipe(Effect.catch((cause) => Effect.logError("the next start will not know that the state is wrong", cause)))
    yield* handOver(right).pipe(Effect.provideService(RaftNode, node))
    yield* Deferred.fail(found, error)
  })

  const judge = Effect.gen(function* () {
    const seen = yield* view
    const reason = freezeReason(seen)
    yield* gate.set("state", reason === null ? null : divergedGate(reason))
    yield* setWarnings(stateWarnings(seen))
    diverged.set(Number(isDiverged(seen)))
    agreed.set(agreedEntry(seen))
    const own = ownDivergence(seen)
    if (own !== null) yield* end(own)
  })

  /** Until this check is over, or the report is in. */
  const report: Effect.Effect<void> = Effect.gen(function* () {
    const due = dueReport(yield* view)
    if (due === null) return
    yield* commands.submit({
      principal,
      command: { _tag: "ReportDigest", master_id: self, entry: due.entry, digest: Sha256.make(due.digest) }
    })
  }).pipe(
    Effect.retry(stateReportRetry),
    Effect.catch((error) =>
      Effect.logWarning(`the state of this master could not be told to the others: ${error.message}`)
    )
  )

  const follow = Effect.fnUntraced(function* (act: Effect.Effect<void>) {
    const applied = yield* events.subscribe
    yield* act
    yield* Stream.fromQueue(applied).pipe(
      Stream.filter(changesChecks),
      Stream.runForEach(() =>
        Effect.catchCause(act, (cause) => Effect.logError("the check of the masters' states failed", cause))
      ),
      Effect.forkScoped
    )
  })
  yield* Effect.addFinalizer(() => gate.set("state", null))
  yield* follow(judge)
  yield* Effect.forkScoped(follow(report))
  return StateDivergence.of({ found: Deferred.await(found) })
})

export const layerStateCheckWatch = Layer.effect(StateDivergence, watch)
