/** One TLS connection from an agent, and the table of all of them. */
import type { NonceCache } from "@nxmesh/core/crypto/NonceCache"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { LinkCaller } from "@nxmesh/protocol/link/AgentLink"
import { Context, Deferred, Layer, type Scope } from "effect"
import type { AgentConnection } from "./AgentGateway.ts"

/** Why a connection is closed: WebSocket codes, RFC 6455 section 7.4; 4000 and up are ours. */
export const closeCodes = {
  goingAway: 1_001,
  unauthenticated: 4_401,
  refused: 4_403,
  superseded: 4_409
} as const

export interface LinkConnection {
  readonly id: number
  readonly remoteAddress: string
  /** RFC 9266. */
  readonly binding: Uint8Array
  /** Calls are bound to their connection, so a replay can only come on the same one. */
  readonly nonces: NonceCache
  /** Lasts as long as the connection: the session lives in it. */
  readonly scope: Scope.Scope
  /** Done at the first verified call, or at an accepted enrolment. */
  readonly authenticated: Deferred.Deferred<void>
  /** Never waits. */
  readonly send: (text: string) => void
  readonly close: (code: number, reason: string) => void
  /** Its agent is registered: another connection may be admitted. */
  readonly settled: () => void
  /** Set by the first verified call, and never changed after. */
  agentId: AgentId | null
  /** With which of its keys the agent signed its last verified call. */
  keyId: string | null
  /** From `Register`. */
  epoch: number
  session: AgentConnection | null
  /** Set by a handler that refused for good: the connection ends when its answer is on the way. */
  ending: string | null
}

export const callerOf = (connection: LinkConnection): LinkCaller => ({
  connectionId: connection.id,
  agentId: connection.agentId,
  remoteAddress: connection.remoteAddress,
  channelBinding: Buffer.from(connection.binding).toString("base64")
})

/** The connections of this master. Only the link's own fibers touch it. */
export class LinkConnections extends Context.Service<
  LinkConnections,
  {
    readonly add: (connection: LinkConnection) => void
    readonly remove: (connection: LinkConnection) => void
    /** Binds the connection to the agent whose key signed its first verified call. */
    readonly bind: (connection: LinkConnection, agentId: AgentId) => void
    /** How many connections from this address have not shown who they are. */
    readonly unauthenticatedFrom: (remoteAddress: string) => number
    readonly get: (id: number) => LinkConnection | undefined
    /** The connection on which an agent registered. */
    readonly ofAgent: (agentId: AgentId) => LinkConnection | undefined
    readonly registered: (connection: LinkConnection, agentId: AgentId) => void
    readonly all: () => ReadonlyArray<LinkConnection>
    readonly size: () => number
    /** Done when the master stops: every agent is told to go elsewhere. */
    readonly stopping: Deferred.Deferred<void>
  }
>()("@nxmesh/master/link/LinkConnections") {
  static readonly layer = Layer.sync(LinkConnections, () => {
    const byId = new Map<number, LinkConnection>()
    const byAgent = new Map<AgentId, LinkConnection>()
    const unauthenticated = new Map<string, number>()
    const count = ({ remoteAddress }: LinkConnection, change: number) => {
      const next = (unauthenticated.get(remoteAddress) ?? 0) + change
      if (next > 0) unauthenticated.set(remoteAddress, next)
      else unauthenticated.delete(remoteAddress)
    }
    return LinkConnections.of({
      add: (connection) => {
        byId.set(connection.id, connection)
        count(connection, 1)
      },
      remove: (connection) => {
        byId.delete(connection.id)
        if (connection.agentId === null) count(connection, -1)
        else if (byAgent.get(connection.agentId) === connection) byAgent.delete(connection.agentId)
      },
      bind: (connection, agentId) => {
        if (connection.agentId === null) count(connection, -1)
        connection.agentId = agentId
      },
      unauthenticatedFrom: (remoteAddress) => unauthenticated.get(remoteAddress) ?? 0,
      get: (id) => byId.get(id),
      ofAgent: (agentId) => byAgent.get(agentId),
      registered: (connection, agentId) => void byAgent.set(agentId, connection),
      all: () => [...byId.values()],
      size: () => byId.size,
      stopping: Deferred.makeUnsafe<void>()
    })
  })
}
