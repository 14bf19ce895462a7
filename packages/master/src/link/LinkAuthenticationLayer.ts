/** Gives handlers the caller that the connection is bound to. The transport verified the call before it was decoded. */
import { CurrentCaller, LinkAuthentication } from "@nxmesh/protocol/link/AgentLink"
import { refused } from "@nxmesh/protocol/link/LinkRefused"
import { Effect, Layer } from "effect"
import { callerOf, LinkConnections } from "./LinkConnection.ts"

export const LinkAuthenticationLayer = Layer.effect(
  LinkAuthentication,
  Effect.map(LinkConnections, (connections) => (effect, { client }) => {
    const connection = connections.get(client.id)
    return connection === undefined
      ? Effect.fail(refused("unavailable", "the connection is closing"))
      : Effect.provideService(effect, CurrentCaller, callerOf(connection))
  })
)
