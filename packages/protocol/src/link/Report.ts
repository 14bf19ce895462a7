/** What an agent reports beside its health (model/Health.ts). Who says it, the connection knows. */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"
import { AccessLogEntry, ErrorLogEntry } from "../model/AccessLog.ts"
import { DeploymentOutcome } from "../model/Deployment.ts"
import { Timestamp } from "../model/Text.ts"

export const DeploymentReport = Schema.Struct({
  outcomes: Schema.Array(DeploymentOutcome).check(Schema.isMaxLength(64)),
  /** The span that reports them (W3C traceparent), when it is recorded. */
  trace: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64)))
})
export type DeploymentReport = typeof DeploymentReport.Type

export const LogLine = Schema.Struct({
  timestamp: Timestamp,
  source: Schema.Literals(["access", "error", "agent"]),
  /** nginx's own words; empty where `access` says all of them. */
  text: Schema.String.check(Schema.isMaxLength(Limits.logTextCharactersMax)),
  /** What the text says, in fields, where its format is known. */
  access: Schema.optionalKey(AccessLogEntry),
  error: Schema.optionalKey(ErrorLogEntry)
})
export type LogLine = typeof LogLine.Type
export const LogReport = Schema.Struct({
  lines: Schema.Array(LogLine).check(Schema.isMaxLength(Limits.logLinesPerReportMax)),
  /** Lines that the agent had to drop since its last report. */
  dropped: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
})
export type LogReport = typeof LogReport.Type

export const MetricSample = Schema.Struct({
  name: Schema.String.check(Schema.isMaxLength(128)),
  labels: Schema.Record(Schema.String, Schema.String),
  value: Schema.Finite
})
export type MetricSample = typeof MetricSample.Type
export const MetricsReport = Schema.Struct({
  timestamp: Timestamp,
  samples: Schema.Array(MetricSample).check(Schema.isMaxLength(Limits.metricSamplesPerReportMax))
})
export type MetricsReport = typeof MetricsReport.Type
