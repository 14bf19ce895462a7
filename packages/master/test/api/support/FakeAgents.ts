/** Agents that answer every action at once as the test says: the real commands and state, without a link. */
import type { ActionOutcome, ActionStatus } from "@nxmesh/protocol/model/AgentAction"
import type { DeploymentError } from "@nxmesh/protocol/model/Deployment"
import type { ResourceDraft } from "@nxmesh/protocol/peer/AgentMessage"
import { ActionId } from "@nxmesh/protocol/Ids"
import { Context, Effect, Layer } from "effect"
import { SessionUnavailable } from "../../../src/agents/SessionRouter.ts"
import { LiveAgents } from "../../../src/api/LiveAgents.ts"
import { Commands } from "../../../src/command/Commands.ts"
import { Reads } from "../../../src/state/Reads.ts"
import { layerLocalRaft } from "../../state/LocalRaft.ts"
import { layerTestMasterOver } from "./TestMaster.ts"

export class FakeAgents extends Context.Service<
  FakeAgents,
  {
    /** `silent`: it never answers. `gone`: no agent is connected. */
    answers: ActionStatus | "silent" | "gone"
    /** How often an agent was asked for an action. */
    asked: number
    /** What preflights were asked with. */
    readonly preflights: Array<ReadonlyArray<ResourceDraft>>
  }
>()("test/FakeAgents") {}

export const nginxSaid: DeploymentError = {
  step: "test",
  message: 'nginx: [emerg] unknown directive "servr"',
  file: "/etc/nginx/conf.d/x.conf",
  line: 3,
  resource: null
}

const outcomeOf = (action_id: ActionId, status: ActionStatus): ActionOutcome => ({
  action_id,
  status,
  message: `it is ${status}`,
  started_at: "2026-03-02T14:30:00.000Z",
  finished_at: "2026-03-02T14:30:01.000Z",
  errors: status === "failed" ? [nginxSaid] : []
})

const layerLiveFakes = Layer.effect(
  LiveAgents,
  Effect.gen(function* () {
    const commands = yield* Commands
    const fake = yield* FakeAgents
    const reads = yield* Reads
    const gone = (agentId: SessionUnavailable["agentId"]) =>
      new SessionUnavailable({ agentId, reason: "NotConnected", message: "it is not connected" })
    return LiveAgents.of({
      presence: () => Effect.succeed(undefined),
      deployAgain: () => Effect.succeed(false),
      actionProblem: (agentId) => (fake.answers === "gone" ? Effect.fail(gone(agentId)) : Effect.succeed(null)),
      outcome: Effect.fnUntraced(function* (id) {
        const { answers } = fake
        const record = yield* reads.action(id)
        if (record?.status !== "pending" || answers === "silent" || answers === "gone") return record
        fake.asked += 1
        yield* commands
          .submit({
            principal: { _tag: "System", component: "agents" },
            command: { _tag: "RecordAgentAction", agent_id: record.agent_id, outcome: outcomeOf(id, answers) }
          })
          .pipe(Effect.orDie)
        return yield* reads.action(id)
      }),
      preflight: (agentId, drafts) => {
        const { answers } = fake
        fake.preflights.push(drafts)
        if (answers === "gone") return Effect.fail(gone(agentId))
        if (answers === "silent") return Effect.succeed("the agent did not say what its nginx says")
        return Effect.succeed(outcomeOf(ActionId.make("0190a000-0000-7000-8000-0000000000ee"), answers))
      }
    })
  })
)

export const layerTestMasterWithAgents = layerTestMasterOver(layerLocalRaft, layerLiveFakes).pipe(
  Layer.provideMerge(Layer.sync(FakeAgents, () => FakeAgents.of({ answers: "done", asked: 0, preflights: [] })))
)
