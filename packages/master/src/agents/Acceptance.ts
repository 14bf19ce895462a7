/**
 * A master that cannot serve its agents sends them elsewhere and takes none: ten seconds without a leader, or removed from
 * the cluster (design-cluster.md 16). Agents that no master takes stay in island mode; their nginx serves on.
 */
import { Clock, Effect, Layer, Schedule } from "effect"
import { Commands } from "../command/Commands.ts"
import { Limits } from "../Limits.ts"
import { newsOf, nothingHeard } from "./AcceptanceNews.ts"
import { AgentSessions } from "./AgentSessions.ts"

/** Pure: what to do when the problem of a moment ago has become this one. `null` is none. */
export const acceptanceChange = (before: string | null, problem: string | null): "close" | "open" | "nothing" => {
  if (problem === null) return before === null ? "nothing" : "open"
  return before === null ? "close" : "nothing"
}

export const layerAcceptance = Layer.effectDiscard(
  Effect.gen(function* () {
    const commands = yield* Commands
    const sessions = yield* AgentSessions
    let before: string | null = null
    let heard = nothingHeard
    const tell = Effect.fnUntraced(function* (problem: string | null) {
      const { heard: after, news } = newsOf(heard, problem, yield* Clock.currentTimeMillis)
      heard = after
      const agents = sessions.known.sessions()
      if (news === "TakenAgain") yield* Effect.logInfo("this master takes agents again")
      if (news === "SentAway") yield* Effect.logWarning(`agents are sent to other masters: ${problem}`, { agents })
      if (news === "NotYet") yield* Effect.logWarning(`this master takes no agents yet: ${problem}`)
    })
    const look = Effect.gen(function* () {
      const problem = yield* commands.problem
      yield* tell(problem)
      const change = acceptanceChange(before, problem)
      before = problem
      yield* sessions.refuse(problem)
      if (change !== "close") return
      for (const [agentId, { connected }] of sessions.known.entries()) {
        if (connected) yield* sessions.dismiss(agentId, `this master cannot serve: ${problem}`)
      }
    })
    // The first look comes before the first agent; the second as soon as there is something new to see.
    yield* look
    yield* Effect.forkScoped(Effect.andThen(commands.caughtUp, look))
    yield* look.pipe(Effect.repeat(Schedule.spaced(Limits.agents.acceptanceInterval)), Effect.forkScoped)
  })
)
