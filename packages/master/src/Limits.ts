/** Every bound of the master, in one place. Bare numbers carry their unit last in the name. Each folder has its section. */
import { Duration } from "effect"

export const Limits = {
  // api
  api: {
    /** How long running requests get to finish when the master stops. */
    drain: Duration.seconds(10),
    /** A client that sends its headers or its request slower than this is cut off. */
    headersTimeoutMillis: 10_000,
    requestTimeoutMillis: 30_000,
    keepAliveTimeoutMillis: 75_000,
    connectionsMax: 10_000,
    headerBytesMax: 16_384,
    /** Attempts of a PATCH without If-Match, when someone else writes in between. */
    patchAttemptsMax: 5,
    /** Schema problems named in one answer. */
    detailsMax: 100,
    /** Agents looked at to answer a list filtered by state, which no column holds. */
    stateFilterAgentsMax: 20_000,
    pathCharactersLogged: 256
  },

  link: {
    /** From an agent. A report of a thousand log lines is the largest. */
    requestBytesMax: 8 * 1_048_576,
    connectionsMax: 16_000,
    /** Connections that have not shown who they are, from one address. */
    unauthenticatedPerAddressMax: 256,
    authenticateTimeout: Duration.seconds(10),
    /** An agent pings every 10 s; a connection that says nothing for this long is dead. */
    silenceTimeout: Duration.seconds(30),
    silenceCheckInterval: Duration.seconds(5),
    heartbeatInterval: Duration.seconds(30),
    noncesPerConnectionMax: 4_096,
    disconnectsQueueMax: 1_024,
    /** After Goodbye, before connections are cut. */
    goodbyeGrace: Duration.seconds(2)
  }
} as const
