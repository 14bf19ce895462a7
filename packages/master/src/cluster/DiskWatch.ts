/** Closes the gate for changes while the disks of a majority are short, on every master, and opens it again. */
import type { MasterId } from "@nxmesh/protocol/Ids"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Effect, Layer, Result, Schedule } from "effect"
import { WriteGate } from "../command/WriteGate.ts"
import { Limits } from "../Limits.ts"
import { bytesText, closure, gateOf, isShort } from "./DiskAlarm.ts"
import { Disk } from "./Disk.ts"
import { liveStatus } from "./LiveClusterStatus.ts"
import { MasterStatuses } from "./MasterStatuses.ts"
import { Warnings } from "./Warnings.ts"

const watchInterval = Schedule.spaced(Limits.cluster.diskCheckInterval)

const watch = Effect.gen(function* () {
  const disk = yield* Disk
  const gate = yield* WriteGate
  const node = yield* RaftNode
  const statuses = yield* MasterStatuses
  const setWarnings = yield* (yield* Warnings).keep("disk")
  let short: ReadonlySet<MasterId> = new Set()

  const look = Effect.gen(function* () {
    const own = yield* disk.use
    const answers = yield* statuses.all
    short = new Set(
      [...answers].flatMap(([id, answer]) => {
        if (Result.isFailure(answer) || answer.success.disk.total_bytes === 0) return short.has(id) ? [id] : []
        const { free_bytes: freeBytes, total_bytes: totalBytes } = answer.success.disk
        return isShort(short.has(id), { freeBytes, totalBytes }) ? [id] : []
      })
    )
    const status = yield* node.status
    const { masters, voters } = liveStatus(status, answers)
    const reason = closure(voters, masters, short)
    yield* gate.set("disk", reason === null ? null : gateOf(reason))
    yield* setWarnings([
      ...(own?.isShort === true
        ? [`the disk of master ${status.id} has only ${bytesText(own.freeBytes)} left: make room`]
        : []),
      ...(reason === null ? [] : [`changes are refused: ${reason}`])
    ])
  })

  yield* Effect.addFinalizer(() => gate.set("disk", null))
  yield* look.pipe(
    Effect.catchCause((cause) => Effect.logError("the masters' disks could not be looked at", cause)),
    Effect.repeat(watchInterval),
    Effect.forkScoped
  )
})

export const layerDiskWatch = Layer.effectDiscard(watch)
