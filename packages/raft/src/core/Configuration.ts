/** Configurations as values, and the history of those in the log (thesis 4.1, 4.3). */
import type { Configuration, Index, NodeId } from "./Types.ts"

export const noConfiguration: Configuration = {
  voters: [],
  learners: [],
  outgoing: [],
  learnersNext: [],
  autoLeave: false
}

export const isJoint = ({ outgoing }: Configuration): boolean => outgoing.length > 0

export const isVoter = (configuration: Configuration, id: NodeId): boolean =>
  configuration.voters.includes(id) || configuration.outgoing.includes(id)

/** Everyone who gets the log, each once. */
export const members = ({ voters, outgoing, learners, learnersNext }: Configuration): ReadonlyArray<NodeId> => [
  ...new Set([...voters, ...outgoing, ...learners, ...learnersNext])
]

export const votersOf = ({ voters, outgoing }: Configuration): ReadonlyArray<NodeId> => [
  ...new Set([...voters, ...outgoing])
]

/** What is wrong with a target; `null`: nothing. */
export const configurationProblem = (voters: ReadonlyArray<NodeId>, learners: ReadonlyArray<NodeId>): string | null => {
  if (voters.length === 0) return "a configuration needs a voter"
  const all = [...voters, ...learners]
  return new Set(all).size === all.length ? null : "a node is named twice"
}

/**
 * The way from `current`, which is not joint, to a target: one step if at most one voter differs, since then any two
 * majorities overlap (thesis 4.1); else a joint phase (thesis 4.3).
 */
export const enter = (
  current: Configuration,
  voters: ReadonlyArray<NodeId>,
  learners: ReadonlyArray<NodeId>,
  autoLeave: boolean
): Configuration => {
  const added = voters.filter((id) => !current.voters.includes(id)).length
  const removed = current.voters.filter((id) => !voters.includes(id)).length
  if (added + removed <= 1) return { voters, learners, outgoing: [], learnersNext: [], autoLeave: false }
  return {
    voters,
    learners: learners.filter((id) => !current.voters.includes(id)),
    outgoing: current.voters,
    learnersNext: learners.filter((id) => current.voters.includes(id)),
    autoLeave
  }
}

export const leave = (joint: Configuration): Configuration => ({
  voters: joint.voters,
  learners: [...joint.learners, ...joint.learnersNext],
  outgoing: [],
  learnersNext: [],
  autoLeave: false
})

/** A configuration and the entry that brought it; 0 for the one that the cluster was made with. */
export interface Placed {
  readonly index: Index
  readonly configuration: Configuration
}

/** In order; the first is the one at the log's base. Never empty. */
export type Configurations = ReadonlyArray<Placed>

export const latest = (history: Configurations): Placed =>
  history.at(-1) ?? { index: 0, configuration: noConfiguration }

/** What was in effect at an index: a snapshot holds no configuration that came later. */
export const configurationAt = (history: Configurations, index: Index): Configuration =>
  (history.findLast((placed) => placed.index <= index) ?? history[0] ?? latest([])).configuration

/** Undone with its entry. */
export const withoutFrom = (history: Configurations, from: Index): Configurations =>
  history.length > 1 && latest(history).index >= from
    ? history.filter((placed, position) => position === 0 || placed.index < from)
    : history

/** The last one at or before `index` becomes the first. */
export const compactedTo = (history: Configurations, index: Index): Configurations => {
  const first = history.findLastIndex((placed) => placed.index <= index)
  return first <= 0 ? history : history.slice(first)
}
