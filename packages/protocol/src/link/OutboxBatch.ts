/**
 * Reports that waited in an agent's outbox. Each has a place there, so that what is sent again after a lost answer counts
 * once. A report travels as JSON text: the master's thread for agents passes it on, and whoever stores it decodes it.
 */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"
import { LogReport, MetricsReport } from "./Report.ts"
import { HealthReport } from "../model/Health.ts"

/** What each kind of report is decoded by. */
export const outboxReports = { health: HealthReport, logs: LogReport, metrics: MetricsReport } as const

export type OutboxKind = keyof typeof outboxReports
export type OutboxReports = { readonly [Kind in OutboxKind]: (typeof outboxReports)[Kind]["Type"] }
export const outboxKinds = Object.keys(outboxReports) as ReadonlyArray<OutboxKind>
export const isOutboxKind = (text: string): text is OutboxKind => Object.hasOwn(outboxReports, text)

export const OutboxEntry = Schema.Struct({
  /** Rises with each report of this outbox, whatever its kind; after a crash of the agent it leaps. */
  sequence: Schema.Int.check(Schema.isGreaterThan(0)),
  /** An `OutboxKind`. A master leaves out a kind that it does not know. */
  kind: Schema.String.check(Schema.isMaxLength(32)),
  report: Schema.String.check(Schema.isMaxLength(Limits.outboxReportCharactersMax))
})
export type OutboxEntry = typeof OutboxEntry.Type

export const OutboxBatch = Schema.Struct({
  /** Of the outbox: another one begins at 1 again. */
  outbox_id: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(Limits.outboxIdCharactersMax)),
  /** Reports of this outbox that were dropped since it began, because it was full or could not be written. */
  dropped: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  /** In rising order. */
  entries: Schema.Array(OutboxEntry).check(Schema.isMinLength(1), Schema.isMaxLength(Limits.outboxEntriesPerBatchMax))
})
export type OutboxBatch = typeof OutboxBatch.Type

/** The highest place of this outbox that the master has: everything up to it may go. */
export const OutboxTaken = Schema.Struct({ through: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)) })
export type OutboxTaken = typeof OutboxTaken.Type
