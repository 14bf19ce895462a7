import { defaultOptions } from "./core/Options.ts"

/** Every bound of this package, in one place. Bare numbers carry their unit last in the name. */
export const Limits = {
  /** Of the algorithm: its defaults, which a node's settings may change. */
  core: defaultOptions,
  /** A learner on its way to become a voter (thesis 4.2.1), in the form of `CatchUpBounds`. */
  catchUp: {
    /** Rounds that took an election timeout or more: after so many the learner is too slow. */
    roundsMax: 10,
    /** Nothing arrived there, or no answer came: 10 s with ticks of 25 ms. */
    stalledTicksMax: 400
  },
  storage: {
    /** A log file that is larger is followed by a new one. */
    segmentBytes: 16 * 1_048_576,
    /** A log file is filled with zeros so far ahead of its records. */
    growBytes: 1_048_576,
    /** Records that gather before they are written, though not flushed. */
    bufferBytes: 1_048_576,
    /** Appends that share a flush: more wait for the next one, so that those who wait for this one do not wait for ever. */
    flushBytesMax: 16 * 1_048_576,
    /** One command. The length and the offset of a record have 32 bits each. */
    entryBytesMax: 256 * 1_048_576,
    nodeIdBytesMax: 1_024,
    /** A snapshot that is being written is flushed this often, so that the last flush is short. */
    snapshotFlushBytes: 8 * 1_048_576,
    snapshotMetadataBytesMax: 16 * 1_048_576
  },
  /** The same on every node of a cluster, and part of its state: a change of one needs a version that all nodes agree on. */
  sessions: {
    /** Sessions that are kept: one more, and the one that was not used for longest expires. */
    sessionsMax: 4_096,
    /** A serial may be so far above the first that is not acknowledged: as many answers a session has at most. */
    answersMax: 8_192,
    /** Answers of all sessions together: at the very worst 1 GiB. */
    answersInAllMax: 65_536,
    /** A larger answer is not kept: a repeated command is told so. */
    answerBytesMax: 16_384
  },
  host: {
    /** Proposals, reads and changes of members that fibers of one process wait for: more are refused. */
    requestsMax: 65_536
  },
  node: {
    /** Proposals that wait on one node until they are committed: more are refused. */
    proposalsMax: 16_384,
    proposalBytesMax: 64 * 1_048_576,
    /** One command: a larger one is refused for good. */
    commandBytesMax: 32 * 1_048_576,
    /** Handed to the core in one piece, unless one proposal is larger. */
    proposeBytesMax: 1_048_576,
    proposeCommandsMax: 1_024,
    /** Commands of the node's own session without a known outcome: fewer than the answers that a session keeps. */
    serialsInFlightMax: 4_096,
    /** Reads that wait on one node, those of clients included: more are refused. */
    readsMax: 16_384,
    /** Changes of members that wait on one node. */
    memberChangesMax: 16,
    /** Envelopes of commands share buffers of this size. */
    envelopeSlabBytes: 65_536,
    /** Calls of clients without an answer, of every kind. */
    callsMax: 32_768,
    /** A client's call that is not answered in this time fails. */
    callMillisMax: 10_000,
    /** How often deadlines are looked at. */
    deadlineCheckMillis: 50,
    /** One batch for the host, unless one entry is larger. */
    applyEntriesMax: 1_024,
    applyBytesMax: 1_048_576,
    /** Batches that the host has and has not answered: it stays responsive between them. */
    applyBatchesMax: 2,
    /** Forwarded proposals that are remembered, so that one which the network doubles counts once. */
    forwardsRemembered: 4_096,
    /** How often the host has to show that it is not blocked. */
    pingMillis: 500,
    /** How often the host hears how the node stands, besides each change of leadership or of members. */
    statusMillis: 1_000,
    /** After a snapshot that failed: doubled with each failure. */
    snapshotRetryMillisMin: 1_000,
    snapshotRetryMillisMax: 60_000
  },
  thread: {
    /** A request of the host that is not answered in this time fails. */
    requestMillis: 5_000,
    /** A lost host that does not even hear in this time that the node stopped ends with its process. */
    heardMillis: 1_000,
    /** Closing takes an election timeout for the handover, and a flush; then the thread is ended. */
    closeMillis: 5_000,
    /** Statuses that wait for an observer; older ones are left out. */
    statusesWaiting: 16
  },
  transport: {
    /** One message of a peer. Above it a peer is broken, or is none: the connection ends. */
    frameBytesMax: 320 * 1_048_576,
    /** One call of a client, one answer to it: its data has at most `client.callBytesMax`. */
    callBytesMax: 65 * 1_048_576,
    helloBytesMax: 4_096,
    /** What is written gathers in blocks of this size; data above `copyBytesMax` is not copied into them. */
    writeBlockBytes: 65_536,
    copyBytesMax: 8_192,
    /** What may wait for one peer before messages to it are dropped; the message that passes the bound is the last. */
    controlWaitingBytesMax: 16 * 1_048_576,
    bulkWaitingBytesMax: 64 * 1_048_576,
    /** From the first packet to the answered hello. */
    connectMillis: 2_000,
    /** Each side says something so often, and ends a connection on which it hears nothing for `silencesMax` times as long. */
    aliveMillis: 1_000,
    silencesMax: 4,
    reconnect: { baseMillis: 50, capMillis: 1_000, jitter: 0.5 },
    /** Connections that others opened, with and without a hello. Two come from each peer. */
    connectionsMax: 2_048,
    clientsMax: 1_024,
    strangersMax: 128,
    /** What strangers do wrong is told so often at most. */
    reportMillis: 1_000,
    /** Calls that were taken and not answered; past it nothing is read from the clients until answers leave. */
    callsMax: 65_536,
    callsBytesMax: 256 * 1_048_576,
    connectionCallsMax: 8_192,
    connectionCallsBytesMax: 64 * 1_048_576,
    /** Answers that a client does not read; past it no more of its calls are. */
    answersWaitingBytesMax: 16 * 1_048_576
  },
  client: {
    nodesMax: 32,
    /** Calls that were made and not answered. More are refused at once. */
    callsMax: 4_096,
    callBytesMax: 64 * 1_048_576,
    /** How exactly deadlines and retries keep to time. */
    tickMillis: 10,
    /** An answer that takes longer is asked for again, at another node; twice as long each time. */
    attemptMillis: 1_000,
    attemptMillisMax: 8_000,
    /** After a refusal that may pass. */
    retry: { baseMillis: 10, capMillis: 500, jitter: 0.5 },
    reconnect: { baseMillis: 50, capMillis: 1_000, jitter: 0.5 },
    /** How often a node is asked who leads, while that is known and while it is not. */
    describeMillis: 1_000,
    searchMillis: 50
  }
} as const
