/**
 * The leader's task that looks at everything that rules watch, every ten seconds, and writes what began, fires and is resolved,
 * with the messages about it, many in one entry. Nothing is written while nothing changes.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { AlertId } from "@nxmesh/protocol/model/Alert"
import type { AlertRule } from "@nxmesh/protocol/model/AlertRule"
import { DeliveryId } from "@nxmesh/protocol/model/Webhook"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Clock, Duration, Effect, Schedule } from "effect"
import { type Leadership, leaderTask } from "../cluster/LeaderTasks.ts"
import { Limits } from "../Limits.ts"
import { Database } from "../state/Database.ts"
import {
  countFiring,
  keepsAlerts,
  type KeptAlert,
  madeDefaults,
  openAlerts,
  webhookTraffic
} from "../state/ReadAlerting.ts"
import { resourcesBy } from "../state/Resources.ts"
import { type AlertMetrics, alertMetrics } from "./AlertMetrics.ts"
import type { Memory } from "./AlertMachine.ts"
import { defaultRules } from "./DefaultRules.ts"
import type { Findings } from "./Findings.ts"
import { look } from "./Look.ts"
import { type MessagePlan, planMessages } from "./Messages.ts"
import { judgeRound, type RoundChanges } from "./Round.ts"
import { takeSnapshot } from "./Snapshot.ts"
import { askTelemetry, isTelemetry } from "./TelemetryFindings.ts"

const { alerting } = Limits
export const alertingPrincipal: Principal = { _tag: "System", component: "alerting" }

const isOf = <A>(value: A | undefined): value is A => value !== undefined

/** The open alerts as they will be when the changes are written. */
const afterwards = (kept: ReadonlyArray<KeptAlert>, { put, remove }: RoundChanges): ReadonlyArray<KeptAlert> => {
  const byId = new Map(kept.map((one) => [one.alert.id, one]))
  for (const alert of put) byId.set(alert.id, { alert, told: byId.get(alert.id)?.told ?? {} })
  for (const id of remove) byId.delete(id)
  return [...byId.values()]
}

const chunks = <A>(items: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size))

/** The messages come last: they tell of alerts that are written by then. A round that is cut short is judged anew. */
const write = Effect.fnUntraced(function* ({ submit }: Leadership, { put, remove }: RoundChanges, plan: MessagePlan) {
  const identifiers = yield* Identifiers
  const record = (changes: {
    readonly put?: RoundChanges["put"]
    readonly remove?: RoundChanges["remove"]
    readonly messages?: ReadonlyArray<{
      readonly id: DeliveryId
      readonly webhook_id: MessagePlan["messages"][number]["webhookId"]
      readonly alerts: ReadonlyArray<AlertId>
    }>
    readonly settled?: MessagePlan["settled"]
  }) =>
    submit({
      principal: alertingPrincipal,
      command: { _tag: "RecordAlerts", put: [], remove: [], messages: [], settled: [], ...changes }
    })
  const size = alerting.changesPerCommandMax
  const messages = yield* Effect.forEach(plan.messages, ({ alerts, webhookId }) =>
    Effect.map(identifiers.uuid, (id) => ({ id: DeliveryId.make(id), webhook_id: webhookId, alerts }))
  )
  const isSmall = put.length + remove.length <= size && messages.length <= 1
  if (isSmall && put.length + remove.length + messages.length + plan.settled.length === 0) return
  if (isSmall) return yield* Effect.asVoid(record({ put, remove, messages, settled: plan.settled }))
  for (const part of chunks(put, size)) yield* record({ put: part })
  for (const part of chunks(remove, size)) yield* record({ remove: part })
  for (const message of messages) yield* record({ messages: [message] })
  if (plan.settled.length > 0) yield* record({ settled: plan.settled })
})

const makeDefaults = Effect.fnUntraced(function* ({ submit }: Leadership) {
  const { reader } = yield* Database
  const made = madeDefaults(reader)
  for (const set of defaultRules) {
    if (made.has(set.number)) continue
    yield* submit({ principal: alertingPrincipal, command: { _tag: "MakeAlertDefaults", ...set } })
  }
})

/** What is remembered between two looks: the leader's alone. */
interface Remembered {
  memory: ReadonlyMap<AlertId, Memory>
  telemetryAtMillis: number | null
}

const findAll = Effect.fnUntraced(function* (rules: ReadonlyArray<AlertRule>, remembered: Remembered) {
  const snapshot = yield* takeSnapshot(rules)
  const nowMillis = yield* Clock.currentTimeMillis
  const { telemetryAtMillis } = remembered
  const isDue =
    telemetryAtMillis === null ||
    nowMillis < telemetryAtMillis ||
    nowMillis - telemetryAtMillis >= Duration.toMillis(alerting.telemetryInterval)
  if (isDue) remembered.telemetryAtMillis = nowMillis
  const findings = new Map<AlertRule, Findings | undefined>()
  for (const rule of rules) {
    if (!isTelemetry(rule.condition)) findings.set(rule, look(rule, snapshot, nowMillis))
    else findings.set(rule, isDue ? yield* askTelemetry(rule, snapshot.agents, nowMillis) : undefined)
  }
  return { snapshot, findings, nowMillis }
})

const round = Effect.fn("Alerting.round")(function* (
  leadership: Leadership,
  metrics: AlertMetrics,
  remembered: Remembered
) {
  const { reader } = yield* Database
  if (!keepsAlerts(reader)) return
  yield* makeDefaults(leadership)
  const rules = resourcesBy(reader, "alert_rule", { enabled: 1 })
  const { findings, nowMillis, snapshot } = yield* findAll(rules, remembered)
  const kept = openAlerts(reader)
  const changes = judgeRound(
    { stored: new Map(kept.map(({ alert }) => [alert.id, alert])), memory: remembered.memory },
    findings,
    nowMillis
  )
  const inMaintenance = snapshot.agents.filter(({ agent }) => agent.maintenance).map(({ agent }) => agent.id)
  const plan = planMessages(
    afterwards(kept, changes),
    {
      webhooks: resourcesBy(reader, "webhook", { enabled: 1 }),
      traffic: webhookTraffic(reader),
      silences: resourcesBy(reader, "alert_silence", {}),
      inMaintenance: new Set<AgentId>(inMaintenance)
    },
    nowMillis
  )
  yield* write(leadership, changes, plan)
  remembered.memory = changes.memory
  const unjudged = [...findings.values()].filter(isOf).filter(({ problem }) => problem !== null)
  metrics.unjudged.set(unjudged.length)
  const firing = countFiring(reader)
  for (const severity of ["info", "warning", "critical"]) metrics.firing.set({ severity }, firing[severity] ?? 0)
})

const watch = Effect.fnUntraced(function* (leadership: Leadership) {
  const metrics = yield* alertMetrics
  const remembered: Remembered = { memory: new Map(), telemetryAtMillis: null }
  yield* Effect.addFinalizer(() => Effect.sync(() => metrics.firing.reset()))
  const once = Effect.timed(round(leadership, metrics, remembered)).pipe(
    Effect.map(([took]) => metrics.round.observe(Duration.toSeconds(took))),
    // What cannot be written now is found again at the next look.
    Effect.catchTag("CommandError", (error) => Effect.logWarning(`alerts could not be written: ${error.message}`))
  )
  yield* Effect.repeat(once, Schedule.spaced(alerting.interval))
})

export const layerAlertTask = leaderTask({ name: "alerting", run: watch })
