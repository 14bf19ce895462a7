/** Reports counted by kind. Pure. */
import { type OutboxKind, outboxKinds } from "@nxmesh/protocol/link/OutboxBatch"

export type Counts = { readonly [Kind in OutboxKind]: number }

export const none: Counts = { health: 0, logs: 0, metrics: 0 }

export const add = (a: Counts, b: Counts): Counts => ({
  health: a.health + b.health,
  logs: a.logs + b.logs,
  metrics: a.metrics + b.metrics
})

export const one = (kind: OutboxKind): Counts => ({ ...none, [kind]: 1 })

export const total = (counts: Counts): number => outboxKinds.reduce((sum, kind) => sum + counts[kind], 0)
