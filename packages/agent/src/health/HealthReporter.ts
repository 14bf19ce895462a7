/** The agent's health reports (AF-003): what is known of nginx, of its servers and of the machine, for a master or for the outbox. */
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import { Clock, Context, DateTime, Duration, Effect, Layer, Ref, Schedule, Stream } from "effect"
import { AlertBoard } from "../alerts/AlertBoard.ts"
import { Backends } from "../backends/Backends.ts"
import { Deployer } from "../deploy/Deployer.ts"
import { DriftWatch } from "../drift/DriftWatch.ts"
import { Limits } from "../Limits.ts"
import { NginxWish } from "../nginx/NginxWish.ts"
import { CurrentPolicy } from "../policy/CurrentPolicy.ts"
import { SiteCheck } from "../probe/SiteCheck.ts"
import { alertsOf } from "./Alerts.ts"
import { HostMetrics, systemMetrics } from "./HostMetrics.ts"
import { NginxHealth } from "./NginxHealth.ts"
import { isDue, type Sent, significance } from "./ReportDue.ts"

const make = Effect.gen(function* () {
  const backends = yield* Backends
  const board = yield* AlertBoard
  const deployer = yield* Deployer
  const drift = yield* DriftWatch
  const host = yield* HostMetrics
  const nginx = yield* NginxHealth
  const policy = yield* CurrentPolicy
  const siteCheck = yield* SiteCheck
  const wish = yield* NginxWish

  const report = Effect.gen(function* () {
    const { answeredBy, openFiles, status } = yield* nginx.read
    const system = {
      ...systemMetrics(yield* host.read),
      ...(openFiles === null ? {} : { nginx_open_files: openFiles.open }),
      ...(openFiles === null || openFiles.limit === null ? {} : { nginx_open_files_max: openFiles.limit })
    }
    const { deploymentId, generation } = yield* deployer.current
    const made: HealthReport = {
      timestamp: DateTime.formatIso(yield* DateTime.now),
      nginx_status: status,
      system_metrics: system,
      config_checksum: generation,
      alerts: alertsOf({
        nginx: status,
        system,
        answeredBy,
        expected: deploymentId,
        isStopped: (yield* wish.get) === "stopped",
        lastOutcome: yield* deployer.lastOutcome,
        openFiles,
        site: yield* siteCheck.latest,
        raised: yield* board.current
      }),
      drift: yield* drift.current,
      backends_down: yield* backends.down
    }
    return made
  }).pipe(Effect.withSpan("Health.check", { root: true }))

  /** The policy's word as soon as it changes; until then the interval that the master named. */
  const intervalMillis = (given: Duration.Duration, first: number) =>
    Effect.map(policy.get, ({ report_interval_seconds: seconds }) =>
      seconds === first ? Duration.toMillis(given) : seconds * 1_000
    )

  const reports = (interval: Duration.Duration) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { report_interval_seconds: first } = yield* policy.get
        const sent = yield* Ref.make<Sent | null>(null)
        const filter = Effect.fnUntraced(function* (made: HealthReport) {
          const what = significance(made)
          const nowMillis = yield* Clock.currentTimeMillis
          const due = isDue(yield* Ref.get(sent), what, yield* intervalMillis(interval, first), nowMillis)
          if (due) yield* Ref.set(sent, { what, atMillis: nowMillis })
          return due
        })
        return Stream.fromEffectSchedule(report, Schedule.spaced(Limits.healthProbeInterval)).pipe(
          Stream.filterEffect(filter)
        )
      })
    )
  return HealthReporter.of({ report, reports })
})

export class HealthReporter extends Context.Service<
  HealthReporter,
  {
    readonly report: Effect.Effect<HealthReport>
    /** At once, at every interval, and whenever something that matters changed in between. */
    readonly reports: (interval: Duration.Duration) => Stream.Stream<HealthReport>
  }
>()("@nxmesh/agent/health/HealthReporter") {
  static readonly layer = Layer.effect(HealthReporter, make)
}
