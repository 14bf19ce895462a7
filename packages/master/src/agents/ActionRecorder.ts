/** Puts what agents answer to people's actions into the log, once. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { ActionOutcome } from "@nxmesh/protocol/model/AgentAction"
import { Effect } from "effect"
import { Commands } from "../command/Commands.ts"
import { Limits } from "../Limits.ts"
import { Reads } from "../state/Reads.ts"
import { recordRetry } from "./RecordRetry.ts"

/** A leader comes back in a second. Whether it was written may be unknown: the first answer counts, so once more does no harm. */
const actionRetry = recordRetry(Limits.agents.actionRecordRetryMax, ({ reason }) => reason._tag === "OutcomeUnknown")

/** Done when it is durable. One that cannot be written stays pending, and is asked for again when the agent connects anew. */
export const makeActionRecorder = Effect.gen(function* () {
  const commands = yield* Commands
  const reads = yield* Reads
  return Effect.fn("recordAction")(function* (agentId: AgentId, outcome: ActionOutcome) {
    const asked = yield* reads.action(outcome.action_id)
    if (asked?.agent_id !== agentId || asked.status !== "pending") return
    const about = { agent_id: agentId, action_id: outcome.action_id, action: asked.action, status: outcome.status }
    yield* Effect.logInfo(`an agent answered an action: ${outcome.message}`, about)
    yield* commands
      .submit({
        principal: { _tag: "System", component: "agents" },
        command: { _tag: "RecordAgentAction", agent_id: agentId, outcome }
      })
      .pipe(
        Effect.retry(actionRetry),
        Effect.catch(({ message }) => Effect.logWarning(`what became of an action is not recorded: ${message}`, about))
      )
  })
})
