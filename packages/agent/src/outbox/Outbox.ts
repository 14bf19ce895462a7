/**
 * Where reports wait until a master has them: on the disk, bounded in bytes and age, the oldest dropped first and counted.
 * Logs and metrics always go this way, health while no master is there. Offering never waits for a master, and never fails:
 * reports are worth less than the nginx and the deployments that the same disk serves.
 */
import type { FileError } from "@nxmesh/core/file/FileError"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { OutboxBatch, OutboxKind, OutboxReports } from "@nxmesh/protocol/link/OutboxBatch"
import { Clock, Context, Data, Effect, Latch, Layer, Schedule, Semaphore } from "effect"
import { statfs } from "node:fs/promises"
import { join } from "node:path"
import { Limits } from "../Limits.ts"
import { AlertBoard } from "../alerts/AlertBoard.ts"
import { outboxAlerts } from "./OutboxAlerts.ts"
import * as Counts from "./Counts.ts"
import * as OutboxDisk from "./OutboxDisk.ts"
import { splitReport } from "./SplitReport.ts"

export interface OutboxStatus {
  /** That wait, by kind; a few more than that, where some of a segment were sent. */
  readonly reports: Counts.Counts
  readonly bytes: number
  /** When the oldest of them was offered. */
  readonly oldestAtMillis: number | null
  /** Since this outbox began: it was full, or could not be written. */
  readonly dropped: Counts.Counts
  /** Why nothing can be kept now, for an operator; `null`: it can. */
  readonly problem: string | null
}

export interface OutboxOptions {
  readonly dataDirectory: string
  readonly bytesMax: number
  /** False where there is no master to send to: then nothing is kept. */
  readonly isUsed: boolean
}

class NoRoom extends Data.TaggedError("NoRoom")<{ readonly message: string }> {}

const noRoom = (directory: string) =>
  new NoRoom({
    message: `less than ${Limits.outboxDiskFreeBytesMin / 1_048_576} MiB are free on the disk of ${directory}: make room there`
  })

/** Fails when the disk is better left to others. A file system that does not say counts as one that has room. */
const roomOn = (directory: string) =>
  Effect.promise(() => statfs(directory).catch(() => null)).pipe(
    Effect.flatMap((found) =>
      found === null || found.bavail * found.bsize >= Limits.outboxDiskFreeBytesMin
        ? Effect.void
        : Effect.fail(noRoom(directory))
    )
  )

export class Outbox extends Context.Service<
  Outbox,
  {
    /**
     * Keeps a report, cut to what one call may hold. True when it is in the file, which survives the process; a power cut may
     * take the last second. False when it was dropped, and counted: do not offer it again.
     */
    readonly offer: <Kind extends OutboxKind>(kind: Kind, report: OutboxReports[Kind]) => Effect.Effect<boolean>
    readonly status: Effect.Effect<OutboxStatus>
    /** Waits until there is something to send; the oldest comes first. */
    readonly next: Effect.Effect<OutboxBatch>
    /** A master has everything up to here. */
    readonly acknowledge: (through: number) => Effect.Effect<void>
  }
>()("@nxmesh/agent/outbox/Outbox") {
  static readonly layerNoDeps = ({ bytesMax, dataDirectory, isUsed }: OutboxOptions) =>
    Layer.effect(
      Outbox,
      Effect.gen(function* () {
        const { raise } = yield* AlertBoard
        const { uuid } = yield* Identifiers
        const directory = join(dataDirectory, "outbox")
        const lock = yield* Semaphore.make(1)
        const filled = yield* Latch.make(false)
        const room = yield* Effect.cachedWithTTL(roomOn(dataDirectory), Limits.outboxDiskCheckInterval)
        let disk: OutboxDisk.OutboxDisk | null = null
        let unopened = Counts.none
        let problem: string | null = null
        let pausedUntilMillis = 0
        let isDropping = false

        /** Said once; tried again after a while, not with every report. */
        const trouble = Effect.fnUntraced(function* ({ message }: FileError | NoRoom) {
          pausedUntilMillis = (yield* Clock.currentTimeMillis) + Limits.outboxRetryMillis
          if (problem === null) yield* Effect.logWarning(`reports cannot be kept for the masters: ${message}`)
          problem = message
        })
        const ensureOpen = Effect.gen(function* () {
          if (disk !== null) return disk
          disk = yield* OutboxDisk.open(directory, bytesMax, uuid)
          disk.lose(unopened)
          unopened = Counts.none
          yield* filled.open
          return disk
        })
        const lost = (reports: Counts.Counts) => {
          if (disk === null) unopened = Counts.add(unopened, reports)
          else disk.lose(reports)
        }
        const tellDropped = Effect.fnUntraced(function* (dropped: Counts.Counts) {
          if (Counts.total(dropped) === 0 || isDropping) return
          isDropping = true
          yield* Effect.logWarning("the outbox is full: the oldest reports are dropped", { ...dropped })
        })

        const keep = Effect.fnUntraced(function* (kind: OutboxKind, report: string) {
          const nowMillis = yield* Clock.currentTimeMillis
          if (nowMillis < pausedUntilMillis) return false
          if (report.length > Limits.outboxReportCharactersMax || 2 * Buffer.byteLength(report) > bytesMax) return false
          yield* room
          const opened = yield* ensureOpen
          yield* tellDropped(yield* opened.append(kind, report, nowMillis))
          if (problem !== null) yield* Effect.logInfo("reports are kept for the masters again")
          problem = null
          yield* filled.open
          return true
        })

        const offer = Effect.fnUntraced(function* (kind: OutboxKind, report: OutboxReports[OutboxKind]) {
          if (!isUsed) return false
          let kept = true
          for (const text of splitReport(kind, report)) {
            const isKept = yield* keep(kind, text).pipe(
              Effect.catch((error) => Effect.as(trouble(error), false)),
              lock.withPermit
            )
            if (!isKept) lost(Counts.one(kind))
            kept &&= isKept
          }
          return kept
        })

        const take = lock.withPermit(
          Effect.gen(function* () {
            const batch = disk === null ? null : yield* disk.batch
            if (batch === null) {
              isDropping = false
              yield* filled.close
            }
            return batch
          })
        )
        const next = Effect.gen(function* () {
          while (true) {
            yield* filled.await
            const batch = yield* take.pipe(
              Effect.catch((error) => Effect.as(Effect.andThen(trouble(error), filled.close), null))
            )
            if (batch !== null) return batch
          }
        })

        if (isUsed) {
          yield* ensureOpen.pipe(lock.withPermit, Effect.catch(trouble), Effect.forkScoped)
          const flush = Effect.suspend(() => disk?.flush ?? Effect.void).pipe(lock.withPermit, Effect.catch(trouble))
          const alert = Effect.suspend(() =>
            raise("outbox", outboxAlerts({ problem, isDropping, dropped: disk?.figures().dropped ?? unopened }))
          )
          yield* Effect.andThen(flush, alert).pipe(
            Effect.repeat(Schedule.spaced(Limits.outboxFlushInterval)),
            Effect.forkScoped
          )
          yield* Effect.addFinalizer(() =>
            lock.withPermit(Effect.suspend(() => disk?.close ?? Effect.void).pipe(Effect.catch(trouble)))
          )
        }
        return Outbox.of({
          offer,
          status: Effect.sync(() => {
            const empty = { reports: Counts.none, bytes: 0, oldestAtMillis: null, dropped: unopened }
            return { ...(disk?.figures() ?? empty), problem }
          }),
          next,
          acknowledge: (through) => lock.withPermit(Effect.sync(() => disk?.acknowledge(through)))
        })
      })
    )

  static readonly layer = (options: OutboxOptions) => Outbox.layerNoDeps(options).pipe(Layer.provide(Identifiers.layer))
}
