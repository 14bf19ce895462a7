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
  }
} as const
