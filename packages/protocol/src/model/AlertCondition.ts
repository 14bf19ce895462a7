/** What a rule watches for: a kind with its parameters, each in the unit that its name ends with. */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"
import { withDefault } from "./Resource.ts"

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const windowSeconds = withDefault(whole(60, Limits.alertWindowSecondsMax), 300)
const requestsMin = withDefault(whole(1, 1_000_000_000), 100)

/** Of an agent's last health report. Percentages are of what there is: memory, disk, descriptors that nginx may open. */
export const AgentMetric = Schema.Literals([
  "cpu_percent",
  "memory_percent",
  "disk_percent",
  "open_files_percent",
  "active_connections",
  "requests_per_second"
])
export type AgentMetric = typeof AgentMetric.Type

/** nginx's levels of its error log, the least first. */
export const ErrorLogLevel = Schema.Literals(["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"])
export type ErrorLogLevel = typeof ErrorLogLevel.Type

const code = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64))
const codes = withDefault(Schema.Array(code).check(Schema.isMaxLength(64)), [])

/** About one agent each. */
export const agentConditions = [
  /** The agent is not connected to any master. */
  Schema.Struct({ kind: Schema.Literal("agent_offline") }),
  /** nginx does not run, and nobody stopped it. */
  Schema.Struct({ kind: Schema.Literal("nginx_down") }),
  /** Files differ from the generation that settled last. */
  Schema.Struct({ kind: Schema.Literal("drift") }),
  /** The last deployment failed, or left resources out that nginx refuses. */
  Schema.Struct({ kind: Schema.Literal("deployment_failed") }),
  /** The agent does not serve what it should, and is connected. */
  Schema.Struct({ kind: Schema.Literal("not_converged") }),
  /** What the agent reports of itself: one alert for each code. */
  Schema.Struct({
    kind: Schema.Literal("agent_alert"),
    least: withDefault(Schema.Literals(["warning", "critical"]), "warning"),
    /** Only these; empty: all. */
    codes,
    except_codes: codes
  }),
  Schema.Struct({
    kind: Schema.Literal("agent_metric"),
    metric: AgentMetric,
    is: withDefault(Schema.Literals(["above", "below"]), "above"),
    threshold: between(0, 1e12)
  }),
  /** Share of the requests in a window that were answered with an error of the server. */
  Schema.Struct({
    kind: Schema.Literal("error_rate"),
    above_percent: between(0, 100),
    /** From this status on. */
    status_min: withDefault(whole(400, 599), 500),
    window_seconds: windowSeconds,
    /** Fewer requests than these say nothing. */
    requests_min: requestsMin
  }),
  /** Response time that this share of the requests in a window stayed below. */
  Schema.Struct({
    kind: Schema.Literal("latency"),
    above_millis: between(0, 3_600_000),
    percentile: withDefault(Schema.Literals([50, 95, 99]), 95),
    window_seconds: windowSeconds,
    requests_min: requestsMin
  }),
  /** Lines of nginx's error log. */
  Schema.Struct({
    kind: Schema.Literal("error_log"),
    least: withDefault(ErrorLogLevel, "error"),
    /** Part of the line, whatever its case; empty: any line. */
    contains: withDefault(Schema.String.check(Schema.isMaxLength(256)), ""),
    window_seconds: windowSeconds,
    /** So many lines in the window or more. */
    lines_min: withDefault(whole(1, Limits.alertLogLinesMax), 1)
  })
] as const

/** About one certificate each. */
export const certificateConditions = [
  Schema.Struct({
    kind: Schema.Literal("certificate_expiry"),
    /** Expires within so many days, or has expired. */
    within_days: withDefault(whole(1, 365), 14)
  })
] as const

/** About the masters; only rules of the installation have them. */
export const masterConditions = [
  /** A master does not answer, or says that something is wrong with it. */
  Schema.Struct({ kind: Schema.Literal("master_away") }),
  /** One more master that fails takes the majority, and there are several. */
  Schema.Struct({ kind: Schema.Literal("no_quorum_margin") }),
  /** Little is free on the disk of a master. */
  Schema.Struct({
    kind: Schema.Literal("master_disk"),
    free_below_megabytes: withDefault(whole(1, 1_048_576), 1_024)
  }),
  /** A master's state is behind the log. */
  Schema.Struct({ kind: Schema.Literal("apply_lag"), above_entries: withDefault(whole(1, 1_000_000), 1_000) }),
  /** What the masters' own tasks warn of, one alert for each sentence: telemetry that is dropped is among them. */
  Schema.Struct({ kind: Schema.Literal("master_warning") }),
  /** Nobody has taken a backup for so long. */
  Schema.Struct({ kind: Schema.Literal("backup_age"), above_hours: withDefault(whole(1, 8_760), 24) })
] as const

export const AlertCondition = Schema.Union([
  ...agentConditions,
  ...certificateConditions,
  ...masterConditions
]).annotate({ identifier: "AlertCondition" })
export type AlertCondition = typeof AlertCondition.Type
export type AlertConditionKind = AlertCondition["kind"]
export type ConditionOf<Kind extends AlertConditionKind> = Extract<AlertCondition, { readonly kind: Kind }>

const kindsOf = (schemas: ReadonlyArray<{ readonly fields: { readonly kind: { readonly literal: string } } }>) =>
  new Set(schemas.map(({ fields }) => fields.kind.literal))

const masterKinds = kindsOf(masterConditions)
const certificateKinds = kindsOf(certificateConditions)

/** Whom a condition is about. */
export const conditionSubject = ({ kind }: Pick<AlertCondition, "kind">): "agent" | "certificate" | "master" =>
  masterKinds.has(kind) ? "master" : certificateKinds.has(kind) ? "certificate" : "agent"
