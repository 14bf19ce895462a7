/** The agent's health reports (AF-003): at once, at every interval, and whenever something changes in between. */
import type { HealthReport } from "@nxmesh/protocol/link/Report"
import { DateTime, Duration, Effect, Layer, Context, Ref, Schedule, Stream } from "effect"
import { Deployer } from "../deploy/Deployer.ts"
import { Limits } from "../Limits.ts"
import { alertsOf } from "./Alerts.ts"
import { HostMetrics, systemMetrics } from "./HostMetrics.ts"
import { NginxHealth } from "./NginxHealth.ts"

/** What makes a report due before its time: whether nginx runs, what it serves, and which alerts there are. Pure. */
export const significance = ({ alerts, config_checksum, nginx_status }: HealthReport): string =>
  JSON.stringify([nginx_status.is_running, nginx_status.pid, config_checksum, alerts.map(({ code }) => code)])

export class HealthReporter extends Context.Service<
  HealthReporter,
  {
    readonly report: Effect.Effect<HealthReport>
    readonly reports: (interval: Duration.Duration) => Stream.Stream<HealthReport>
  }
>()("@nxmesh/agent/health/HealthReporter") {
  static readonly layer = Layer.effect(
    HealthReporter,
    Effect.gen(function* () {
      const deployer = yield* Deployer
      const host = yield* HostMetrics
      const nginx = yield* NginxHealth

      const report = Effect.gen(function* () {
        const { answeredBy, status } = yield* nginx.read
        const system = systemMetrics(yield* host.read)
        const { deploymentId, generation } = yield* deployer.current
        const lastOutcome = yield* deployer.lastOutcome
        const made: HealthReport = {
          timestamp: DateTime.formatIso(yield* DateTime.now),
          nginx_status: status,
          system_metrics: system,
          config_checksum: generation,
          alerts: alertsOf({ nginx: status, system, answeredBy, expected: deploymentId, lastOutcome })
        }
        return made
      })

      const reports = (interval: Duration.Duration) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const sent = yield* Ref.make<{ readonly what: string; readonly probes: number } | null>(null)
            const probesPerInterval = Math.max(
              1,
              Math.round(Duration.toMillis(interval) / Duration.toMillis(Limits.healthProbeInterval))
            )
            return Stream.fromEffectSchedule(report, Schedule.spaced(Limits.healthProbeInterval)).pipe(
              Stream.filterEffect((made) =>
                Ref.modify(sent, (before) => {
                  const what = significance(made)
                  const due = before === null || before.what !== what || before.probes >= probesPerInterval
                  return [due, due ? { what, probes: 1 } : { what, probes: before.probes + 1 }] as const
                })
              )
            )
          })
        )
      return HealthReporter.of({ report, reports })
    })
  )
}
