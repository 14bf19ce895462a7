/**
 * Keeps this master in touch with the others: tells Raft where they are, asks around when no leader is heard, and finds
 * out when this master was removed.
 */
import { leaderReadRetry } from "@nxmesh/core/policy/Schedules"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import type { Status } from "@nxmesh/raft/node/Status"
import { Clock, Deferred, Duration, Effect, Layer, Result, Stream } from "effect"
import { NodeIdentity } from "../consensus/NodeIdentity.ts"
import { Limits } from "../Limits.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"
import { AskMaster } from "./AskMaster.ts"
import { changesMasters } from "./MembershipTask.ts"
import { type AddressBook, addressBook, LatelyGone, peerAddresses, sameAddresses } from "./PeerAddresses.ts"
import { isRemoved, RemovedFromCluster, Standing } from "./Standing.ts"

const bookOf = ({ applied_index, peer_addresses = {} }: PeerStatus): AddressBook => ({
  index: applied_index,
  addresses: new Map(Object.entries(peer_addresses) as Array<[MasterId, string]>)
})

/** The newest word of all that were asked. */
const newestOf = (books: ReadonlyArray<AddressBook>): AddressBook | null =>
  books.toSorted((a, b) => b.index - a.index)[0] ?? null

const hasPassed = (sinceMillis: number | null, nowMillis: number, duration: Duration.Duration): boolean =>
  sinceMillis !== null && nowMillis - sinceMillis >= Duration.toMillis(duration)

const now = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))

const keepInTouch = Effect.gen(function* () {
  const ask = yield* AskMaster
  const events = yield* Events
  const identity = yield* NodeIdentity
  const node = yield* RaftNode
  const reads = yield* Reads
  const { path: dataDirectory } = yield* DataDirectory
  const removed = yield* Deferred.make<never, RemovedFromCluster>()
  const applied = yield* events.subscribe
  // What it was told when it joined is newer than a table that grows from nothing, and older than one that it kept.
  const isNewHere = (yield* reads.masters).length === 0
  const atJoin = addressBook(isNewHere ? Number.MAX_SAFE_INTEGER : -1, identity.mastersAtJoin)
  let heard: AddressBook | null = identity.mastersAtJoin.length === 0 ? null : atJoin
  let hasCaughtUp = false
  const lately = new LatelyGone()
  let told: ReturnType<typeof peerAddresses> = new Map()
  let lostAtMillis: number | null = null
  let askedAtMillis: number | null = null
  let isToldRemoved = false

  const tellRaft = Effect.fnUntraced(function* (status: Status, nowMillis: number) {
    const table = addressBook(yield* reads.appliedIndex, yield* reads.masters)
    if (hasCaughtUp && heard !== null && table.index >= heard.index) heard = null
    const present = peerAddresses(heard === null ? [table] : [table, heard], status)
    const addresses = lately.with(present, told, nowMillis)
    if (sameAddresses(addresses, told)) return
    told = addresses
    yield* node.setPeers(addresses)
  })

  const askAround = Effect.gen(function* () {
    const others = (yield* reads.masters).flatMap(({ id }) => (id === identity.nodeId ? [] : [id]))
    const answers = yield* Effect.forEach(others, (id) => Effect.result(ask.status(id, Limits.cluster.askMaster)), {
      concurrency: "unbounded"
    })
    isToldRemoved = answers.some((answer) => Result.isFailure(answer) && answer.failure.reason === "Removed")
    const newest = newestOf(answers.flatMap((answer) => (Result.isSuccess(answer) ? [bookOf(answer.success)] : [])))
    const table = yield* reads.appliedIndex
    if (newest !== null && newest.index > table) heard = newest
  })

  /** A leader whose address is not known, or is wrong, is as good as none: it gets no answers. */
  const isLost = ({ id, leader }: Status): boolean =>
    !hasCaughtUp || leader === null || (leader !== id && !told.has(leader as MasterId))

  const look = Effect.gen(function* () {
    const status = yield* node.status
    const nowMillis = yield* now
    yield* tellRaft(status, nowMillis)
    lostAtMillis = isLost(status) ? (lostAtMillis ?? nowMillis) : null
    const isLostLong = hasPassed(lostAtMillis, nowMillis, Limits.cluster.lostLeader)
    if (
      isLostLong &&
      (askedAtMillis === null || hasPassed(askedAtMillis, nowMillis, Limits.cluster.lostLeaderAskInterval))
    ) {
      askedAtMillis = nowMillis
      yield* askAround
      yield* tellRaft(status, nowMillis)
    }
    if (isRemoved({ isOut: status.isRemoved, isLost: isLostLong, isToldRemoved })) {
      yield* Deferred.fail(removed, new RemovedFromCluster({ masterId: identity.nodeId, dataDirectory }))
    }
  })

  /** The table is brought up to date once a leader says what was committed; from then on its word is the newest. */
  const caughtUp = Effect.gen(function* () {
    yield* Effect.retry(node.read, leaderReadRetry)
    hasCaughtUp = true
    heard = null
    yield* tellRaft(yield* node.status, yield* now)
  })

  yield* look
  const tableChanges = Stream.fromQueue(applied).pipe(
    Stream.filter(changesMasters),
    Stream.map(() => undefined)
  )
  const statuses = Stream.map(node.statuses, () => undefined)
  yield* Stream.merge(statuses, tableChanges).pipe(
    Stream.runForEach(() =>
      Effect.catchCause(look, (cause) => Effect.logError("the addresses of the other masters cannot be kept", cause))
    ),
    Effect.forkScoped
  )
  yield* Effect.forkScoped(caughtUp)
  return Standing.of({ removed: Deferred.await(removed) })
})

export const layerContact = Layer.effect(Standing, keepInTouch)
