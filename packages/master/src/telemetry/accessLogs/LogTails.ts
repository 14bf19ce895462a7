/**
 * Live tails of access logs across masters. A master that took a line gives it to tails of its own; tails of others tell it what
 * they want by asking every second, and get what came since: a line that nobody wants leaves no master.
 */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch, OutboxReports } from "@nxmesh/protocol/link/OutboxBatch"
import { outboxReports } from "@nxmesh/protocol/link/OutboxBatch"
import { Clock, Context, Data, Effect, Layer, Option, Schedule, Schema, type Scope } from "effect"
import { Limits } from "../../Limits.ts"
import { NodeIdentity } from "../../consensus/NodeIdentity.ts"
import { type MissingMaster, TelemetryGather } from "../TelemetryGather.ts"
import { TelemetryStore } from "../TelemetryStore.ts"
import type { AccessLogConditions } from "./AccessLogFilter.ts"
import { type Drained, offerLines, TailBuffer } from "./TailBuffers.ts"

const { accessLogs: limits } = Limits

export class TooManyTails extends Data.TaggedError("TooManyTails")<{ readonly message: string }> {}

export interface LogTail {
  /** What came since the last time. */
  readonly drain: Effect.Effect<Drained>
  /** Masters that cannot be asked now: their agents' lines are missing. */
  readonly missing: Effect.Effect<ReadonlyArray<MissingMaster>>
  readonly retarget: (conditions: AccessLogConditions) => Effect.Effect<void>
}

/** JSON, from master to master. */
interface TailQuestion {
  readonly tail: string
  readonly asker: string
  readonly conditions: AccessLogConditions
}

interface RemoteTail {
  readonly buffer: TailBuffer
  seenMillis: number
}

const tag = "access_logs_tail"
const decodeReport = Schema.decodeUnknownOption(Schema.fromJsonString(outboxReports.logs))

export class LogTails extends Context.Service<
  LogTails,
  {
    /** Ends with the scope. */
    readonly open: (conditions: AccessLogConditions) => Effect.Effect<LogTail, TooManyTails, Scope.Scope>
    /** Lines that this master has taken. */
    readonly offer: (agentId: AgentId, reports: ReadonlyArray<OutboxReports["logs"]>) => Effect.Effect<void>
    /** As they are in a batch: decoded when there is a tail, and else not. */
    readonly offerBatch: (agentId: AgentId, batch: OutboxBatch) => Effect.Effect<void>
  }
>()("@nxmesh/master/telemetry/accessLogs/LogTails") {
  static readonly layer = Layer.effect(
    LogTails,
    Effect.gen(function* () {
      const gather = yield* TelemetryGather
      const { nodeId: self } = yield* NodeIdentity
      const own = new Map<string, TailBuffer>()
      const remote = new Map<string, RemoteTail>()
      let opened = 0

      const buffersAt = (nowMillis: number): ReadonlyArray<TailBuffer> => {
        for (const [id, { seenMillis }] of remote) {
          if (Math.abs(nowMillis - seenMillis) > limits.remoteTailMillisMax) remote.delete(id)
        }
        return [...own.values(), ...remote.values().map(({ buffer }) => buffer)]
      }

      const offer: LogTails["Service"]["offer"] = (agentId, reports) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const buffers = buffersAt(now)
          if (buffers.length === 0) return
          for (const { lines } of reports) offerLines(buffers, agentId, lines, "keep")
        })

      const offerBatch: LogTails["Service"]["offerBatch"] = (agentId, { entries }) =>
        Effect.suspend(() => {
          if (own.size === 0 && remote.size === 0) return Effect.void
          const reports = entries.flatMap(({ kind, report }) =>
            kind === "logs" ? Option.toArray(decodeReport(report)) : []
          )
          return offer(agentId, reports)
        })

      /** Another master's tail: what came since it asked last. */
      const answer = ({ asker, conditions, tail }: TailQuestion) =>
        Effect.map(Clock.currentTimeMillis, (now): Drained => {
          if (asker === self) return { rows: [], dropped: 0 } // its lines are in its buffer already
          buffersAt(now)
          const found = remote.get(tail)
          if (found === undefined && remote.size >= limits.remoteTailsMax) return { rows: [], dropped: 0 }
          const kept = found ?? { buffer: new TailBuffer(conditions), seenMillis: now }
          kept.buffer.conditions = conditions
          kept.seenMillis = now
          remote.set(tail, kept)
          return kept.buffer.drain()
        })
      yield* gather.answer(tag, (question) => answer(question as TailQuestion))

      const open: LogTails["Service"]["open"] = Effect.fnUntraced(function* (conditions) {
        if (own.size >= limits.tailsMax) {
          return yield* new TooManyTails({
            message: `${limits.tailsMax} tails are open on this master: end one of them, or ask another master`
          })
        }
        const id = `${self} ${++opened}`
        const buffer = new TailBuffer(conditions)
        let missing: ReadonlyArray<MissingMaster> = []
        yield* Effect.acquireRelease(
          Effect.sync(() => own.set(id, buffer)),
          () => Effect.sync(() => own.delete(id))
        )
        const askOthers = Effect.gen(function* () {
          const question: TailQuestion = { tail: id, asker: self, conditions: buffer.conditions }
          const gathered = yield* gather.ask({ _tag: tag, ...question }, { everywhere: true })
          missing = gathered.missing
          for (const told of gathered.answers) {
            const { dropped, rows } = told.answer as Drained
            buffer.add(rows, dropped)
          }
        }).pipe(Effect.catch(({ message }) => Effect.logDebug(`a tail could not ask the other masters: ${message}`)))
        yield* askOthers.pipe(Effect.repeat(Schedule.spaced(limits.tailAskInterval)), Effect.forkScoped)
        return {
          drain: Effect.sync(() => buffer.drain()),
          missing: Effect.sync(() => missing),
          retarget: (next) => Effect.sync(() => void (buffer.conditions = next))
        }
      })
      return LogTails.of({ open, offer, offerBatch })
    })
  )
}

/** The store, with its lines given to tails once they are taken: what was refused comes again. */
export const layerTailedTelemetry = Layer.effect(
  TelemetryStore,
  Effect.gen(function* () {
    const store = yield* TelemetryStore
    const tails = yield* LogTails
    return TelemetryStore.of({
      ...store,
      take: (agentId, batch) => store.take(agentId, batch).pipe(Effect.tap(() => tails.offerBatch(agentId, batch))),
      note: (agentId, kind, report) =>
        store
          .note(agentId, kind, report)
          .pipe(Effect.andThen(kind === "logs" ? tails.offer(agentId, [report as OutboxReports["logs"]]) : Effect.void))
    })
  })
)
