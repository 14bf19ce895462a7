/**
 * The two loops behind `Commands`: one makes batches durable, one applies what is durable. They overlap, so the disk
 * and the state work at the same time; order is the log's throughout.
 */
import type { CommandTag, Outcome } from "@nxmesh/protocol/Command"
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import type { CommandId } from "@nxmesh/protocol/Ids"
import { Cause, Deferred, Duration, Effect, Fiber, Queue } from "effect"
import { Limits } from "../Limits.ts"
import type { AppliedEntry, Entry } from "../state/apply/Apply.ts"
import type { Events } from "../state/Events.ts"
import type { StateMachine } from "../state/StateMachine.ts"
import { CommandError, LogFailed, OutcomeUnknown, Stopping } from "./CommandError.ts"
import type { CommandLog } from "./CommandLog.ts"
import type { CommandMetrics } from "./CommandMetrics.ts"
import { applyAll, logEntry } from "./Replay.ts"

/** A command on its way, and who waits for it. */
export interface Submitted {
  readonly id: CommandId
  readonly tag: CommandTag
  readonly payload: Uint8Array
  readonly answer: Deferred.Deferred<Outcome, CommandError>
}

interface Durable {
  readonly firstIndex: number
  readonly batch: ReadonlyArray<Submitted>
}

export interface WriterOptions {
  readonly waiting: Queue.Queue<Submitted, Cause.Done>
  readonly log: CommandLog["Service"]
  readonly machine: StateMachine
  readonly events: Events["Service"]
  readonly metrics: CommandMetrics
  /** Told once, when nothing can be written any more. */
  readonly fail: (error: LogFailed) => Effect.Effect<unknown>
}

/** Cuts what came together into batches that are bounded in bytes. */
export const batchesOf = (
  submitted: ReadonlyArray<Submitted>,
  bytesMax: number
): ReadonlyArray<ReadonlyArray<Submitted>> => {
  const batches: Array<Array<Submitted>> = []
  let bytes = Number.POSITIVE_INFINITY
  for (const command of submitted) {
    if (bytes + command.payload.length > bytesMax) {
      batches.push([])
      bytes = 0
    }
    batches.at(-1)?.push(command)
    bytes += command.payload.length
  }
  return batches
}

const refuseAll = (commands: ReadonlyArray<Submitted>, error: (command: Submitted) => CommandError) =>
  Effect.forEach(commands, (command) => Deferred.fail(command.answer, error(command)), { discard: true })

const unknown = (command: Submitted) => new CommandError({ reason: new OutcomeUnknown({ commandId: command.id }) })

/** Runs `step` until the queue has ended and is empty. */
const untilDone = <E, R>(step: Effect.Effect<void, E | Cause.Done, R>): Effect.Effect<void, E, R> =>
  Effect.forever(step).pipe(
    Effect.catchIf(Cause.isDone, () => Effect.void),
    Effect.mapError((error) => error as Exclude<E, Cause.Done>)
  )

/**
 * Starts both loops in the scope. The answer stops them: it takes no more, finishes what waits, and checkpoints.
 */
export const startWriter = Effect.fnUntraced(function* (options: WriterOptions) {
  const { events, fail, log, machine, metrics, waiting } = options
  const durable = yield* Queue.bounded<Durable, Cause.Done>(Limits.command.batchesAppliedLateMax)
  let bytesSinceCheckpoint = 0

  const makeDurable = Effect.fnUntraced(function* (batch: ReadonlyArray<Submitted>) {
    const [took, firstIndex] = yield* Effect.timed(log.append(batch.map(({ payload }) => payload))).pipe(
      Effect.tapError(() => refuseAll(batch, unknown))
    )
    metrics.fsync.observe(Duration.toMillis(took) / 1_000)
    metrics.batch.observe(batch.length)
    const taken = yield* Queue.offer(durable, { firstIndex, batch })
    if (!taken) yield* refuseAll(batch, unknown)
  })

  const append = Effect.gen(function* () {
    const taken = yield* Queue.takeBetween(waiting, 1, Limits.command.batchMax)
    metrics.waiting.set(Queue.sizeUnsafe(waiting))
    for (const batch of batchesOf(taken, Limits.command.batchBytesMax)) yield* makeDurable(batch)
  })

  const answer = Effect.fnUntraced(function* (command: Submitted, entry: Entry, { defect, outcome }: AppliedEntry) {
    const label = outcome._tag === "Accepted" ? "accepted" : outcome.rejection.code
    metrics.commands.inc({ command: command.tag, outcome: label })
    if (defect !== undefined) {
      metrics.defects.inc()
      yield* Effect.logError("apply failed on an entry; it counts as refused", {
        entry: entry.index,
        command: command.tag,
        defect
      })
    }
    yield* Deferred.succeed(command.answer, outcome)
  })

  const checkpoint = Effect.fnUntraced(function* () {
    const through = yield* Effect.sync(() => machine.checkpoint())
    bytesSinceCheckpoint = 0
    if (through !== undefined) yield* log.cut(through)
  })

  const applyBatches = Effect.gen(function* () {
    const batches = yield* Queue.takeAll(durable)
    const commands = batches.flatMap(({ batch }) => batch)
    const entries = batches.flatMap(({ batch, firstIndex }) =>
      batch.map(({ payload }, position): Entry => logEntry({ index: firstIndex + position, payload }))
    )
    const results = yield* applyAll(machine, entries).pipe(Effect.tapError(() => refuseAll(commands, unknown)))
    metrics.appliedIndex.set(machine.appliedIndex())
    // Before the answers: whoever has one may count on the events being on their way.
    yield* events.publish(
      entries.flatMap(({ index }, position) =>
        (results[position]?.events ?? []).map((event): AppliedEvent => ({ index, event }))
      )
    )
    for (const [position, entry] of entries.entries()) {
      const command = commands[position]
      const result = results[position]
      if (command === undefined || result === undefined) continue
      yield* answer(command, entry, result)
      bytesSinceCheckpoint += command.payload.length
    }
    if (bytesSinceCheckpoint >= Limits.command.checkpointBytes) yield* checkpoint()
  })

  /** After a failure: everyone who waits for the log is told, and nothing is taken any more. */
  const giveUp = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
    const error = new LogFailed({ cause: Cause.squash(cause) })
    yield* Effect.logFatal(error.message, cause)
    yield* fail(error)
    const left = yield* Queue.clear(waiting)
    yield* Queue.end(waiting)
    yield* refuseAll(left, () => new CommandError({ reason: error }))
  })
  /** What is durable and cannot be applied now will be at the next start. */
  const abandon = Effect.gen(function* () {
    const late = yield* Queue.clear(durable)
    yield* Queue.end(durable)
    yield* refuseAll(
      late.flatMap(({ batch }) => batch),
      unknown
    )
  })

  const appending = yield* untilDone(append).pipe(
    Effect.catchCause(giveUp),
    Effect.andThen(Queue.end(durable)),
    Effect.forkScoped
  )
  const applying = yield* untilDone(applyBatches).pipe(
    Effect.andThen(Effect.suspend(checkpoint)),
    Effect.catchCause((cause) => Effect.andThen(giveUp(cause), abandon)),
    Effect.forkScoped
  )

  return Queue.end(waiting).pipe(
    Effect.andThen(Fiber.await(appending)),
    Effect.andThen(Fiber.await(applying)),
    Effect.andThen(Queue.clear(waiting)),
    Effect.flatMap((left) => refuseAll(left, () => new CommandError({ reason: new Stopping() })))
  )
})
