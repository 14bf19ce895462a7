/** `nxmesh agent start`, `stop`, `reload` and so on: each waits for what became of it, and ends with 1 when it is not so. */
import { ActionId, DeploymentId } from "@nxmesh/protocol/Ids"
import { type ActionRecord, type ActionRequest, succeeded } from "@nxmesh/protocol/model/ActionRecord"
import type { Agent } from "@nxmesh/protocol/model/Agent"
import { Effect, Option, Schedule, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { actionText, errorText } from "./AgentText.ts"
import { CliFailure, refusalDetail, usage } from "./CliFailure.ts"
import { CliLimits } from "./CliLimits.ts"
import { agentArgument, withAgent } from "./FindAgent.ts"
import type { MasterClient } from "./MasterClient.ts"
import { Json, print } from "./Output.ts"

const decodeActionId = Schema.decodeUnknownOption(ActionId)

/** The master waits a while; an agent that takes longer is asked about. Fails as the master did when it stays silent. */
const performed = Effect.fnUntraced(function* ({ agents }: MasterClient, { id }: Agent, payload: ActionRequest) {
  const asked = yield* Effect.result(agents.act({ params: { id }, headers: {}, payload }))
  if (asked._tag === "Success") return asked.success.data
  const action = Option.flatMap(Option.fromNullishOr(refusalDetail(asked.failure, "action_id")), decodeActionId)
  if (Option.isNone(action)) return yield* Effect.fail(asked.failure)
  const later = yield* agents.action({ params: { id, action_id: action.value } }).pipe(
    Effect.map(({ data }) => data),
    Effect.repeat({
      schedule: Schedule.spaced(CliLimits.actionInterval),
      until: ({ status }) => status !== "pending"
    }),
    Effect.timeoutOption(CliLimits.actionAfterwards)
  )
  return Option.isSome(later) ? later.value : yield* Effect.fail(asked.failure)
})

const perform = Effect.fnUntraced(function* (agent: string, request: ActionRequest) {
  const record = yield* withAgent(
    agent,
    (client, found) => Effect.suspend(() => performed(client, found, request)),
    CliLimits.action
  )
  if (succeeded(record)) return yield* print(record, actionText)
  if (yield* Json) yield* print(record, actionText)
  return yield* failed(record)
})

const failed = (record: ActionRecord): CliFailure =>
  new CliFailure({ kind: "Refused", message: actionText(record), details: record.errors.map(errorText) })

const plain = (name: string, action: Exclude<ActionRequest["action"], "rollback" | "maintenance_on">, text: string) =>
  Command.make(name, { agent: agentArgument }, ({ agent }) => perform(agent, { action })).pipe(
    Command.withDescription(text)
  )

const decodeDeploymentId = Schema.decodeUnknownEffect(DeploymentId)

const rollback = Command.make(
  "rollback",
  {
    agent: agentArgument,
    to: Flag.String("to").pipe(
      Flag.withMetavar("DEPLOYMENT"),
      Flag.withDescription("Id of a deployment that the agent still keeps, as nxmesh agent show prints it")
    )
  },
  Effect.fnUntraced(function* ({ agent, to }) {
    const deployment_id = yield* decodeDeploymentId(to).pipe(
      Effect.mapError(() => usage("--to must be the id of a deployment, as nxmesh agent show prints it"))
    )
    yield* perform(agent, { action: "rollback", deployment_id })
  })
).pipe(
  Command.withDescription("Serve an earlier deployment again, and hold the agent in maintenance so that it stays so")
)

const maintenance = Command.make("maintenance").pipe(
  Command.withDescription("Leave an agent alone, or go on with it"),
  Command.withSubcommands([
    Command.make(
      "on",
      {
        agent: agentArgument,
        reason: Flag.String("reason").pipe(Flag.withDescription("For whoever finds it so"), Flag.optional)
      },
      ({ agent, reason }) => perform(agent, { action: "maintenance_on", reason: Option.getOrNull(reason) })
    ).pipe(Command.withDescription("Deploy nothing to the agent until maintenance ends")),
    plain("off", "maintenance_off", "End the maintenance: the agent is given what it should have")
  ])
)

export const actionCommands = [
  plain("start", "start", "Start nginx"),
  plain("stop", "stop", "Stop nginx gracefully; nothing starts it again but start, or a person on its machine"),
  plain("reload", "reload", "Have nginx read its configuration again"),
  plain("restart", "restart", "Stop nginx and start it: connections are refused in between"),
  plain("test", "test", "Have nginx test what it would read now"),
  plain("upgrade", "upgrade_binary", "Replace the running nginx by the binary on disk, without losing a connection"),
  rollback,
  maintenance
] as const
