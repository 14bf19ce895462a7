/**
 * Raft's place taken by a log of one master that nobody stores: a command is applied as soon as it is proposed, and has the
 * time of the test's clock. What Raft does to commands, the tests with a real node see.
 */
import { NodeStopped } from "@nxmesh/raft/node/NodeStopped"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { OutcomeUnknown, type ProposeError, RequestRefused } from "@nxmesh/raft/node/RequestError"
import type { SessionChanges } from "@nxmesh/raft/node/Sessions"
import type { Status } from "@nxmesh/raft/node/Status"
import { Clock, Deferred, Effect, Exit, Layer, Stream } from "effect"
import { ReplicatedState } from "../../src/state/ReplicatedState.ts"

const noChanges: SessionChanges = { expired: [], used: [], forgotten: [], answered: [] }

export const localId = "0197c0de-0000-7000-8000-00000000000a"

export const statusOf = (over: Partial<Status> = {}): Status =>
  ({
    id: localId,
    role: "Leader",
    term: 1,
    leader: localId,
    configuration: { voters: [localId], learners: [], outgoing: [], learnersNext: [], autoLeave: false },
    firstIndex: 1,
    applied: 0,
    peers: [],
    ...over
  }) as Status

export const layerLocalRaft = Layer.effect(
  RaftNode,
  Effect.gen(function* () {
    const { machine } = yield* ReplicatedState
    const clock = yield* Clock.Clock
    const failed = yield* Deferred.make<never, NodeStopped>()
    let applied = machine.load().applied
    let isStopped = false

    const propose = (data: Uint8Array): Effect.Effect<{ index: number; result: Uint8Array }, ProposeError> =>
      Effect.suspend((): Effect.Effect<{ index: number; result: Uint8Array }, ProposeError> => {
        if (isStopped) return Effect.fail(new RequestRefused({ reason: "Stopped", leader: null }))
        const index = applied + 1
        const millis = clock.currentTimeMillisUnsafe()
        try {
          const [result] = machine.apply({
            commands: [{ index, term: 1, millis, data }],
            last: { index, term: 1 },
            sessionChanges: () => noChanges
          })
          applied = index
          return result === undefined ? Effect.die(new Error("no result")) : Effect.succeed({ index, result })
        } catch (cause) {
          isStopped = true
          const detail = cause instanceof Error ? cause.message : String(cause)
          Deferred.doneUnsafe(failed, Exit.fail(new NodeStopped({ reason: "HostFailed", detail, cause })))
          return Effect.fail(new OutcomeUnknown({ reason: "Stopped" }))
        }
      })

    const status = Effect.sync(() => statusOf({ applied, commit: applied, lastIndex: applied }))
    return RaftNode.of({
      propose,
      read: Effect.sync(() => applied),
      changeMembers: () => Effect.die(new Error("there is no other master")),
      transferLeadership: () => Effect.void,
      setPeers: () => Effect.void,
      setIdentity: () => Effect.void,
      status,
      statuses: Stream.fromEffect(status),
      address: { host: "127.0.0.1", port: 0 },
      stopped: Deferred.await(failed)
    })
  })
)
