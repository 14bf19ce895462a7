/** The calls of `PeerApi` over a connection that is open already, so that what they prove is bound to it. */
import { Agent } from "node:https"
import type { Duplex } from "node:stream"
import type { TLSSocket } from "node:tls"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { type Address, addressText } from "@nxmesh/core/settings/SettingValues"
import { PeerApi } from "@nxmesh/protocol/peer/PeerApi"
import { Effect } from "effect"
import { HttpApiClient } from "effect/http-api"

/** Hands one connection to one request. */
class OneConnection extends Agent {
  private readonly socket: TLSSocket

  constructor(socket: TLSSocket) {
    super({ keepAlive: false, maxSockets: 1 })
    this.socket = socket
  }

  override createConnection(): Duplex {
    return this.socket
  }
}

/** For one call. */
export const callsOver = Effect.fnUntraced(function* (socket: TLSSocket, address: Address) {
  const agent = new OneConnection(socket)
  const httpClient = yield* Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, {
    http: agent,
    https: agent
  })
  return yield* HttpApiClient.makeWith(PeerApi, { httpClient, baseUrl: `https://${addressText(address)}` })
})
