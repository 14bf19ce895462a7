/**
 * Changes of the members (thesis 4), one at a time. A configuration is in effect once it is in the log; the next change
 * waits until it is committed and until the leader has committed an entry of its own term (the correction of the
 * single-server algorithm: without it two leaders may decide with majorities that do not overlap).
 */
import { configurationProblem, enter, isJoint, isVoter, latest, leave, members } from "./Configuration.ts"
import type { ProposeConfiguration } from "./Input.ts"
import { lastIndex } from "./Log.ts"
import { newProgress } from "./Progress.ts"
import type { Progress } from "./Progress.ts"
import type { RefusalReason } from "./Ready.ts"
import { becomeFollower } from "./Role.ts"
import { appendEntries, configurationIn, refuse, send } from "./Turn.ts"
import type { Turn } from "./Turn.ts"
import type { Configuration, Context, NodeId } from "./Types.ts"

const refusal = ({ state }: Turn): RefusalReason | null => {
  if (state.role !== "Leader") return "NotLeader"
  if (state.transfer !== null) return "TransferInProgress"
  if (latest(state.configurations).index > state.commit) return "ConfigurationInProgress"
  return state.commit < state.termStart ? "ConfigurationBeforeTermCommit" : null
}

export const proposeConfiguration = (turn: Turn, input: ProposeConfiguration): void => {
  const { state } = turn
  const placed = latest(state.configurations)
  const reason =
    refusal(turn) ??
    (isJoint(placed.configuration) ? "ConfigurationInProgress" : null) ??
    (input.expectedIndex !== null && input.expectedIndex !== placed.index ? "ConfigurationOutdated" : null) ??
    (configurationProblem(input.voters, input.learners) === null ? null : "ConfigurationInvalid")
  if (reason === null) {
    adopt(turn, input.context, enter(placed.configuration, input.voters, input.learners, input.autoLeave))
  } else refuse(turn, state.id, input.context, reason)
}

export const proposeLeave = (turn: Turn, context: Context): void => {
  const reason = refusal(turn) ?? (isJoint(configurationIn(turn)) ? null : "ConfigurationInvalid")
  if (reason === null) adopt(turn, context, leave(configurationIn(turn)))
  else refuse(turn, turn.state.id, context, reason)
}

const adopt = (turn: Turn, context: Context | null, configuration: Configuration): void => {
  const { state } = turn
  const index = lastIndex(state.log) + 1
  appendEntries(turn, [{ kind: "Configuration", term: state.term, index, configuration }])
  state.progress = followed(turn, configuration)
  if (context !== null) turn.accepted.push({ _tag: "Accepted", context, term: state.term, first: index, last: index })
}

/** Newcomers count as heard of until the next check of the quorum, so that adding them deposes nobody. */
const followed = ({ state }: Turn, configuration: Configuration): ReadonlyMap<NodeId, Progress> =>
  new Map(
    members(configuration).flatMap((id) =>
      id === state.id ? [] : [[id, state.progress.get(id) ?? newProgress(lastIndex(state.log), true)] as const]
    )
  )

/** A joint phase whose entry is committed ends by itself, once: what ends it is in effect as soon as it is proposed. */
export const leaveWhenCommitted = (turn: Turn): boolean => {
  const { commit, termStart, configurations } = turn.state
  const { index, configuration } = latest(configurations)
  if (!isJoint(configuration) || !configuration.autoLeave || index > commit || commit < termStart) return false
  adopt(turn, null, leave(configuration))
  return true
}

/**
 * A leader that is no voter any more leads until the configuration without it is committed (thesis 4.2.2), then asks the
 * most complete of the others to take over at once.
 */
export const stepDownWhenRemoved = (turn: Turn): void => {
  const { state } = turn
  const { index, configuration } = latest(state.configurations)
  if (index > state.commit || isVoter(configuration, state.id)) return
  const matched = (id: NodeId): number => state.progress.get(id)?.match ?? 0
  const [successor] = [...configuration.voters].sort((a, b) => matched(b) - matched(a))
  if (successor !== undefined) send(turn, { _tag: "TimeoutNow", to: successor })
  becomeFollower(turn, state.term, null)
}
