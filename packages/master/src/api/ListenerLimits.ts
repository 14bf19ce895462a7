/** What a client of the HTTP listener may take of it before it has shown anything of itself. */
import { Context } from "effect"
import { Limits } from "../Limits.ts"

export interface ListenerLimitsShape {
  readonly headerBytesMax: number
  readonly headersTimeoutMillis: number
  readonly requestTimeoutMillis: number
  readonly keepAliveTimeoutMillis: number
  /** How often it is looked for connections that have been too slow. */
  readonly slowCheckMillis: number
  readonly handshakeTimeoutMillis: number
  readonly connectionsMax: number
  /** From one address, but for this machine's own and trusted proxies'. */
  readonly connectionsPerAddressMax: number
}

/** Those of `Limits`, unless a test wants to see them act sooner. */
export const ListenerLimits = Context.Reference<ListenerLimitsShape>("@nxmesh/master/api/ListenerLimits", {
  defaultValue: () => Limits.api
})
