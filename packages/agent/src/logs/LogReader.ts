/**
 * Reads nginx's logs while the agent runs: counts what they say, and offers it to the masters by way of the outbox. A batch
 * counts as read when the outbox has it: a crash in between sends that one batch again, and nothing else twice or never.
 */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { LogLine } from "@nxmesh/protocol/link/Report"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { Cause, Clock, Effect, Layer, Ref, Schedule } from "effect"
import { HeldBundle } from "../bundle/HeldBundle.ts"
import { Limits } from "../Limits.ts"
import * as AccessLogPlace from "../nginx/AccessLogPlace.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import { Outbox } from "../outbox/Outbox.ts"
import { CurrentPolicy } from "../policy/CurrentPolicy.ts"
import { accessHosts, type AccessHosts } from "./AccessHosts.ts"
import * as AccessMetrics from "./AccessMetrics.ts"
import * as LineBudget from "./LineBudget.ts"
import * as LogPositions from "./LogPositions.ts"
import type { LogSource } from "./LogSource.ts"
import * as LogTail from "./LogTail.ts"
import { type Read, readAccess, readErrors } from "./ShippedLines.ts"

const rate: LineBudget.LineRate = { perSecond: Limits.logLinesPerSecondMax, burst: Limits.logLinesBurstMax }

const counters = Effect.gen(function* () {
  const metrics = yield* Metrics
  const lines = yield* metrics.counter({
    name: "nxmesh_agent_log_lines_total",
    help: "Lines of nginx's logs: read, then shipped, sampled_out or dropped; unparsed and too_long are among those read.",
    labelNames: ["log", "result"]
  })
  const skipped = yield* metrics.counter({
    name: "nxmesh_agent_log_skipped_bytes_total",
    help: "Bytes of logs left out because the agent was too far behind.",
    labelNames: ["log"]
  })
  const lost = yield* metrics.counter({
    name: "nxmesh_agent_log_files_lost_total",
    help: "Rotated files that were gone before all of them was read.",
    labelNames: ["log"]
  })
  return { lines, skipped, lost }
})

/** The hosts of the bundle that is held; made once for each bundle. */
const hostTable = Effect.gen(function* () {
  const held = yield* HeldBundle
  let known: { readonly bundle: Bundle | null; readonly hosts: AccessHosts } = { bundle: null, hosts: new Map() }
  return Effect.map(held.latest, (bundle) => {
    if (bundle !== known.bundle) known = { bundle, hosts: bundle === null ? new Map() : accessHosts(bundle) }
    return known.hosts
  })
})

const make = Effect.fnUntraced(function* (sources: ReadonlyArray<LogSource>, dataDirectory: string) {
  const instance = yield* NginxInstance
  const outbox = yield* Outbox
  const policy = yield* CurrentPolicy
  const counted = yield* counters
  const accessMetrics = yield* AccessMetrics.make
  const positions = yield* LogPositions.make(dataDirectory)
  const hosts = yield* hostTable
  const budget = yield* Ref.make<LineBudget.LineBudget>({ lines: rate.burst, atMillis: yield* Clock.currentTimeMillis })

  const interpret = Effect.fnUntraced(function* ({ format }: LogSource, lines: ReadonlyArray<string>) {
    const nowMillis = yield* Clock.currentTimeMillis
    if (format === "error") return readErrors(lines, nowMillis)
    const { access_log_sample_ratio: sampleRatio } = yield* policy.get
    return readAccess(lines, { format, nowMillis, sampleRatio, hosts: yield* hosts })
  })

  const ship = Effect.fnUntraced(function* (lines: ReadonlyArray<LogLine>) {
    const nowMillis = yield* Clock.currentTimeMillis
    const taken = yield* Ref.modify(budget, (before) => {
      const { budget: after, taken: allowed } = LineBudget.take(before, rate, lines.length, nowMillis)
      return [allowed, after]
    })
    const dropped = lines.length - taken
    if (lines.length === 0) return { shipped: 0, dropped }
    const isKept = yield* outbox.offer("logs", { lines: lines.slice(0, taken), dropped })
    return isKept ? { shipped: taken, dropped } : { shipped: 0, dropped: lines.length }
  })

  const count = (
    log: string,
    turn: LogTail.LogTurn,
    read: Read,
    sent: { readonly shipped: number; readonly dropped: number }
  ) => {
    const results = {
      read: turn.lines.length,
      too_long: turn.tooLong,
      unparsed: read.unparsed,
      sampled_out: read.sampledOut,
      ...sent
    }
    for (const [result, number] of Object.entries(results)) if (number > 0) counted.lines.inc({ log, result }, number)
    if (turn.skippedBytes > 0) counted.skipped.inc({ log }, turn.skippedBytes)
    if (turn.lost > 0) counted.lost.inc({ log }, turn.lost)
    for (const request of read.requests) accessMetrics.count(request)
  }

  /** True when there is more to read at once. */
  const turnOf = Effect.fnUntraced(function* (source: LogSource, tail: LogTail.LogTail) {
    const turn = yield* tail.turn
    const read = yield* interpret(source, turn.lines)
    count(source.path, turn, read, yield* ship(read.lines))
    yield* positions.keep(source.path, turn.positions)
    return turn.more
  }, Effect.uninterruptible)

  const catchUp = Effect.fnUntraced(function* (source: LogSource, tail: LogTail.LogTail) {
    while (yield* turnOf(source, tail)) yield* Effect.yieldNow
  })

  /** With a scope of its own: its files are closed when its last turn has ended. Trouble is said when it begins and when it is another one; the log is looked at again all the same. */
  const follow = Effect.fnUntraced(function* (source: LogSource) {
    const reach = AccessLogPlace.reach(instance, source.path)
    const tail = yield* LogTail.make(reach, source.beginning, positions.of(source.path))
    const said = yield* Ref.make("")
    const say = (problem: string) =>
      Effect.flatMap(Ref.getAndSet(said, problem), (before) =>
        problem === before ? Effect.void : Effect.logWarning(problem)
      )
    const turn = Effect.andThen(catchUp(source, tail), Ref.set(said, "")).pipe(
      Effect.catch((error) => say(error.message)),
      Effect.catchDefect((defect) =>
        say(`${source.path} is read again after a defect: ${Cause.pretty(Cause.die(defect))}`)
      )
    )
    return yield* Effect.repeat(turn, Schedule.spaced(Limits.logPollInterval))
  })

  yield* Effect.forEach(sources, (source) => Effect.forkScoped(Effect.scoped(follow(source))), { discard: true })
})

/** Reads these logs for as long as the layer lives. */
export const layer = (sources: ReadonlyArray<LogSource>, dataDirectory: string) =>
  Layer.effectDiscard(make(sources, dataDirectory))
