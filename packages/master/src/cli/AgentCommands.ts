/** `nxmesh agent …`: the agents and their nginx, by the API alone. */
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import { AgentState } from "@nxmesh/protocol/model/Agent"
import { AgentPolicyChoice, BadObjectPolicy, DriftPolicy } from "@nxmesh/protocol/model/AgentPolicy"
import { Effect, Option, Schema, SchemaIssue } from "effect"
import { Command, Flag } from "effect/cli"
import { actionCommands } from "./ActionCommands.ts"
import { agentsText, agentText, policyText } from "./AgentText.ts"
import { usage } from "./CliFailure.ts"
import { agentArgument, withAgent } from "./FindAgent.ts"
import { asOperator } from "./MasterClient.ts"
import { masterOrigin } from "./MasterUrl.ts"
import { note, print } from "./Output.ts"

const list = Command.make(
  "list",
  {
    state: Flag.Literals("state", AgentState.literals).pipe(
      Flag.withDescription("Only those in this state"),
      Flag.optional
    ),
    labels: Flag.String("labels").pipe(
      Flag.withDescription("Only those with these labels, as in env=prod,region=eu"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ labels, state }) {
    const query = {
      page: 1,
      per_page: ProtocolLimits.perPageMax,
      sort: "name" as const,
      ...(Option.isSome(state) ? { state: state.value } : {}),
      ...(Option.isSome(labels) ? { labels: labels.value } : {})
    }
    const answer = yield* asOperator(yield* masterOrigin, ({ agents }) => agents.list({ query }))
    if (answer.meta.total > answer.data.length) {
      yield* note(`the first ${answer.data.length} of ${answer.meta.total}: name a state or labels to see fewer`)
    }
    yield* print(answer.data, agentsText)
  })
).pipe(Command.withDescription("List agents, with their state and why"))

const show = Command.make(
  "show",
  { agent: agentArgument },
  Effect.fnUntraced(function* ({ agent }) {
    const details = yield* withAgent(
      agent,
      Effect.fnUntraced(function* ({ agents, deployments }, found) {
        const last = { page: 1, per_page: 10 }
        const { data: deployed } = yield* deployments.list({
          query: { ...last, sort: "-finished_at", agent_id: found.id }
        })
        const { data: actions } = yield* agents.actions({ params: { id: found.id }, query: last })
        return { agent: found, deployments: deployed, actions }
      })
    )
    yield* print(details, agentText)
  })
).pipe(Command.withDescription("Show an agent, its policy, its last deployments, and what was asked of it"))

const decodeChoice = Schema.decodeUnknownEffect(AgentPolicyChoice)

const policyFlags = {
  drift: Flag.Literals("drift", DriftPolicy.literals).pipe(
    Flag.withDescription("Of files that somebody changed"),
    Flag.optional
  ),
  bad_object: Flag.Literals("bad-object", BadObjectPolicy.literals).pipe(
    Flag.withDescription("Of a resource that nginx refuses"),
    Flag.optional
  ),
  report_interval_seconds: Flag.Int("report-interval-seconds").pipe(
    Flag.withDescription("Between two health reports"),
    Flag.optional
  ),
  access_log_sample_ratio: Flag.Finite("access-log-sample-ratio").pipe(
    Flag.withDescription("Share of access-log lines that are shipped, from 0 to 1"),
    Flag.optional
  )
}

const policy = Command.make(
  "policy",
  {
    agent: agentArgument,
    clear: Flag.Boolean("clear").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Forget what was chosen for this agent: it goes by its workspace's policy"),
      Flag.withDefault(false)
    ),
    ...policyFlags
  },
  Effect.fnUntraced(function* ({ agent, clear, ...flags }) {
    const given = Object.entries<Option.Option<unknown>>(flags).flatMap(([name, value]) =>
      Option.toArray(value).map((chosen) => [name, chosen] as const)
    )
    const chosen = yield* decodeChoice(Object.fromEntries(given)).pipe(
      Effect.mapError((error) => usage(`the policy is not valid: ${SchemaIssue.makeFormatterDefault()(error.issue)}`))
    )
    const changed = yield* withAgent(
      agent,
      Effect.fnUntraced(function* ({ agents }, found) {
        if (given.length === 0 && !clear) return found
        const payload = { policy: { ...(clear ? {} : found.policy), ...chosen } }
        return (yield* agents.change({ params: { id: found.id }, headers: {}, payload })).data
      })
    )
    yield* print(changed, policyText)
  })
).pipe(Command.withDescription("Show what an agent goes by, or choose it"))

export const agent = Command.make("agent").pipe(
  Command.withDescription("The agents and their nginx: how they are, and what they should do at once"),
  Command.withSubcommands([list, show, ...actionCommands, policy])
)
