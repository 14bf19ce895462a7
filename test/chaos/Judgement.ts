/** What a chaos run must have shown, beyond that it ended. Pure. */
import { faultKinds } from "./Schedule.ts"
import type { FaultKind } from "./Schedule.ts"

export interface OperationCounts {
  readonly answered: number
  readonly refused: number
  readonly unknown: number
}

export interface ProbeCounts {
  readonly requests: number
  readonly failures: number
  /** What the failures were, and how often. */
  readonly reasons: Readonly<Record<string, number>>
}

/** How the linearizability checker judged the registers. */
export type HistoryVerdict =
  | { readonly kind: "linearizable" }
  | { readonly kind: "violated"; readonly key: string; readonly explanation: string }
  | { readonly kind: "undecided"; readonly key: string }

export interface RunFacts {
  readonly seed: number
  readonly seconds: number
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>
  /** Times that another leader or another term was seen. */
  readonly leaderChanges: number
  /** Of requests that began and ended while nothing was wrong, and of all others. */
  readonly operations: { readonly calm: OperationCounts; readonly faulty: OperationCounts }
  readonly verdict: HistoryVerdict
  /** By agent: what a visitor of its nginx saw. */
  readonly probes: Readonly<Record<string, ProbeCounts>>
  /** What a check found wrong, each in one sentence. */
  readonly problems: ReadonlyArray<string>
}

export interface Expectations {
  readonly faults: ReadonlyArray<FaultKind>
  readonly operationsMin: number
  readonly leaderChangesMin: number
  /** Of the operations outside of faults. */
  readonly acknowledgedShareMin: number
  readonly probesMin: number
}

export const fullExpectations: Expectations = {
  faults: faultKinds,
  operationsMin: 10_000,
  leaderChangesMin: 5,
  acknowledgedShareMin: 0.5,
  probesMin: 100
}

export const totalOf = ({ answered, refused, unknown }: OperationCounts): number => answered + refused + unknown

/** The share of acknowledged operations; 0 when there were none. */
export const acknowledgedShare = (counts: OperationCounts): number =>
  totalOf(counts) === 0 ? 0 : counts.answered / totalOf(counts)

const verdictProblems = (verdict: HistoryVerdict): ReadonlyArray<string> => {
  switch (verdict.kind) {
    case "linearizable":
      return []
    case "violated":
      return [`the history of ${verdict.key} is not linearizable: ${verdict.explanation}`]
    case "undecided":
      return [`the history of ${verdict.key} could not be decided within the checker's bound`]
  }
}

const probeProblems = (agent: string, counts: ProbeCounts, leastRequests: number): ReadonlyArray<string> => {
  const few = `${agent} was visited ${counts.requests} times, fewer than ${leastRequests}`
  const failed = `${counts.failures} of ${counts.requests} visitors of ${agent} were not served: ${JSON.stringify(counts.reasons)}`
  return [...(counts.requests < leastRequests ? [few] : []), ...(counts.failures > 0 ? [failed] : [])]
}

/** What is wrong with a run, each in one sentence; empty when it is good. A run that did not try enough is not good. */
export const judge = (facts: RunFacts, expected: Expectations): ReadonlyArray<string> => {
  const { calm, faulty } = facts.operations
  const operations = totalOf(calm) + totalOf(faulty)
  const share = acknowledgedShare(calm)
  const when = (holds: boolean, problem: string): ReadonlyArray<string> => (holds ? [problem] : [])
  return [
    ...facts.problems,
    ...verdictProblems(facts.verdict),
    ...Object.entries(facts.probes).flatMap(([agent, counts]) => probeProblems(agent, counts, expected.probesMin)),
    ...expected.faults.flatMap((kind) => when((facts.faults[kind] ?? 0) === 0, `the fault ${kind} never happened`)),
    ...when(
      facts.leaderChanges < expected.leaderChangesMin,
      `the leader changed ${facts.leaderChanges} times, fewer than ${expected.leaderChangesMin}`
    ),
    ...when(
      operations < expected.operationsMin,
      `there were ${operations} operations, fewer than ${expected.operationsMin}`
    ),
    ...when(
      share < expected.acknowledgedShareMin,
      `outside of faults ${Math.round(share * 100)} % of the operations were acknowledged, fewer than ${expected.acknowledgedShareMin * 100} %`
    )
  ]
}

/** A few lines for the terminal. */
export const summary = (facts: RunFacts): string => {
  const counts = (name: string, one: OperationCounts): string =>
    `  operations ${name}: ${one.answered} answered, ${one.refused} refused, ${one.unknown} unknown`
  const faults = Object.entries(facts.faults).map(([kind, times]) => `${kind} ${times}`)
  const probes = Object.entries(facts.probes).map(
    ([agent, { failures, requests }]) => `${agent} ${requests} (${failures} failed)`
  )
  return [
    `seed ${facts.seed}, ${facts.seconds.toFixed(0)} s, ${facts.leaderChanges} changes of the leader`,
    `  faults: ${faults.join(", ")}`,
    counts("outside of faults", facts.operations.calm),
    counts("during faults", facts.operations.faulty),
    `  visits: ${probes.join(", ")}`,
    `  registers: ${facts.verdict.kind}`
  ].join("\n")
}
