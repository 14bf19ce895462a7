/** The agent that a command line means. */
import { AgentId } from "@nxmesh/protocol/Ids"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import type { Agent } from "@nxmesh/protocol/model/Agent"
import { Effect, Schema } from "effect"
import { Argument } from "effect/cli"
import { refused } from "./CliFailure.ts"
import { asOperator, type MasterClient } from "./MasterClient.ts"
import { masterOrigin } from "./MasterUrl.ts"
import type { Duration } from "effect"

export const agentArgument = Argument.String("agent").pipe(Argument.withDescription("Name or id of an agent"))

const isId = Schema.is(AgentId)

/** By id, or by a name that only one agent has: names are unique within a workspace alone. */
const findAgent = Effect.fnUntraced(function* ({ agents }: MasterClient, text: string) {
  if (isId(text)) return (yield* agents.get({ params: { id: text }, headers: {} })).data
  const { data } = yield* agents.list({
    query: { page: 1, per_page: ProtocolLimits.perPageMax, sort: "name", name: text }
  })
  const [found, another] = data
  if (found === undefined) return yield* refused(`there is no agent ${text}: see nxmesh agent list`)
  if (another !== undefined) {
    return yield* refused(
      `several agents are called ${text}, in different workspaces: name one by its id, ${data.map(({ id }) => id).join(" or ")}`
    )
  }
  return found
})

/** Finds the agent, and calls with it. */
export const withAgent = Effect.fnUntraced(function* <A, E, R>(
  text: string,
  call: (client: MasterClient, found: Agent) => Effect.Effect<A, E, R>,
  within?: Duration.Duration
) {
  return yield* asOperator(
    yield* masterOrigin,
    Effect.fnUntraced(function* (client: MasterClient) {
      return yield* call(client, yield* findAgent(client, text))
    }),
    within
  )
})
