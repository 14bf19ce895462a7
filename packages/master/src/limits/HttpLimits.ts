/** What the HTTP server, its door and the console may take. Bare numbers carry their unit last in the name. */
import { Duration } from "effect"

export const httpLimits = {
  // api
  api: {
    /** How long running requests get to finish when the master stops. */
    drain: Duration.seconds(10),
    /** A client that sends its headers or its request slower than this is cut off. */
    headersTimeoutMillis: 10_000,
    requestTimeoutMillis: 30_000,
    keepAliveTimeoutMillis: 75_000,
    /** How often it is looked for those that are slower; Node's own is half a minute. */
    slowCheckMillis: 2_000,
    handshakeTimeoutMillis: 10_000,
    /** Of one address; a browser opens six. */
    connectionsPerAddressMax: 512,
    certificateCheckMillis: 10_000,
    /** When a client should come back that found no leader: an election takes less. */
    unavailableRetrySeconds: 1,
    connectionsMax: 10_000,
    headerBytesMax: 16_384,
    /** Attempts of a PATCH without If-Match, when someone else writes in between. */
    patchAttemptsMax: 5,
    /** Schema problems named in one answer. */
    detailsMax: 100,
    /** Agents looked at to answer a list filtered by state, which no column holds. */
    stateFilterAgentsMax: 20_000,
    /** 192 bits: more than the 128 that design section 8 asks. */
    enrolmentTokenBytes: 24,
    joinTokenBytes: 24,
    /** Templates that one may use as partials. */
    templatesPerWorkspaceMax: 1_000,
    pathCharactersLogged: 256,
    /** Events kept for watchers that come back; at times twice as many. */
    watchEventsKept: 10_000,
    watchEventsPerAnswerMax: 1_000,
    watchersMax: 2_000,
    /** What a client is told that comes while there is no leader: an election takes less. */
    retryAfterSeconds: 1,
    /** A backup takes seconds for each gigabyte, and one is taken at a time. */
    backupRetrySeconds: 30
  },

  // network and redis
  network: {
    /** Agents named when an allowlist that shuts them out is refused. */
    shutOutAgentsNamedMax: 5,
    /** Addresses and principals whose requests are counted, some 100 bytes each. */
    bucketsMax: 100_000,
    /** Of a question to Redis: whoever waits for it waits with a request. */
    sharedBucketTimeout: Duration.millis(50),
    /** Lines in the log about requests that were refused at the door. */
    refusalLines: { per_second: 2, burst: 100 }
  },

  redis: {
    connectTimeoutMillis: 3_000,
    /** Whoever asks Redis can do without it: longer than this helps nobody. */
    commandTimeoutMillis: 500,
    /** A Redis that was down for less is not worth a warning: connecting at the start takes a moment, too. */
    warnedAfter: Duration.seconds(2),
    reconnectFirstMillis: 100,
    reconnectMillisMax: 3_000,
    /** Published messages that a subscriber has not taken; the oldest go first. */
    messagesWaitingMax: 4_096
  },

  // live
  live: {
    /** Streams of all consoles on one master; a console has three or so. */
    streamsMax: 2_000,
    /** A stream without changes says so, which shows that it lives. */
    waitSeconds: 20,
    /** Changes that come sooner after others go out with the next ones. */
    changesInterval: Duration.millis(100),
    overviewInterval: Duration.seconds(1),
    agentsInterval: Duration.millis(500),
    snapshotMillisMin: 900,
    agentsPerSlice: 200
  },

  // the web console
  webConsole: {
    fileBytesMax: 16 * 1_048_576,
    filesMax: 2_000
  }
} as const
