/** How deployments ended, and how long their steps took: what the journal is told, as Prometheus metrics. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Clock, Effect, Layer } from "effect"
import { DeploymentObserver } from "../deploy/DeploymentObserver.ts"
import type { JournalRecord } from "../deploy/JournalRecord.ts"

/** From a tree of one host to one of thousands, in seconds. */
const buckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** A step that has begun. */
export interface Running {
  readonly step: string
  readonly sinceNanos: bigint
}

/** The step that begins with a record; `null` when none does. Pure. */
export const beginning = (record: JournalRecord): string | null =>
  record._tag === "Began" ? record.open.step : record._tag === "Stepped" ? record.step : null

const seconds = (from: bigint, to: bigint): number => Number(to - from) / 1e9

export const layer = Layer.effect(
  DeploymentObserver,
  Effect.gen(function* () {
    const metrics = yield* Metrics
    const deployments = yield* metrics.counter({
      name: "nxmesh_agent_deployments_total",
      help: "Deployments that ended, by how.",
      labelNames: ["status"]
    })
    const steps = yield* metrics.histogram({
      name: "nxmesh_agent_deployment_step_seconds",
      help: "Time that the steps of deployments took: render, stage, test, swap, reload, prove, settle and rollback.",
      labelNames: ["step"],
      buckets
    })
    const settled = yield* metrics.histogram({
      name: "nxmesh_agent_deployment_settled_seconds",
      help: "Time from the reload's signal until no worker served the configuration before.",
      buckets
    })
    let running: Running | null = null
    return (moment, record) =>
      Effect.map(Clock.monotonicTimeNanos, (nowNanos) => {
        if (moment === "before") return
        const next = beginning(record)
        if (next === null && record._tag !== "Ended") return
        if (running !== null) steps.observe({ step: running.step }, seconds(running.sinceNanos, nowNanos))
        running = next === null ? null : { step: next, sinceNanos: nowNanos }
        if (record._tag !== "Ended") return
        deployments.inc({ status: record.outcome.status })
        const { settled_after_millis: millis } = record.outcome
        if (millis !== null) settled.observe(millis / 1_000)
      })
  })
)
