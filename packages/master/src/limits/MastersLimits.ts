/** What masters may take of each other, and of their disks. Bare numbers carry their unit last in the name. */
import { Duration } from "effect"

export const mastersLimits = {
  link: {
    /** From an agent. A report of a thousand log lines is the largest. */
    requestBytesMax: 8 * 1_048_576,
    connectionsMax: 16_000,
    /** Connections between their first byte and their registration: each step of all of them takes the event loop below 100 ms. */
    admittedMax: 64,
    /** A connection that takes longer than one to two of these counts no more. */
    admissionSweepInterval: Duration.millis(500),
    /** Connections that have not shown who they are, from one address. */
    unauthenticatedPerAddressMax: 2_048,
    authenticateTimeout: Duration.seconds(10),
    /** An agent pings every 10 s; a connection that says nothing for this long is dead. */
    silenceTimeout: Duration.seconds(30),
    silenceCheckInterval: Duration.seconds(5),
    noncesPerConnectionMax: 4_096,
    /** Of a message to an agent, per write: below the 16 KiB from which Node's TLS makes, and keeps, a larger buffer. */
    pieceBytes: 15_000,
    disconnectsQueueMax: 1_024,
    /** Encoded bundles kept for the next agent that gets the same: 5,000 virtual hosts are some 6 million. */
    bundleTextCharactersMax: 128 * 1_048_576,
    /** After Goodbye, before connections are cut. */
    goodbyeGrace: Duration.seconds(2),
    /** A connection of another master without a request is kept this long. */
    peerKeepAlive: Duration.seconds(30)
  },

  peer: {
    /** Requests of other masters that are served at once, and of who only says to be one; more are told to come back. */
    requestsConcurrentMax: 256,
    strangersConcurrentMax: 32,
    /** From a request's last byte to its answer. */
    requestTimeout: Duration.seconds(15),
    /** For a message to an agent, which may have to ask its nginx. */
    messageTimeout: Duration.seconds(75),
    /** Each may take a signature and an entry of the log. */
    joinsConcurrentMax: 4,
    /** Attempts to join from one address in the window, and addresses remembered. */
    joinsPerAddressMax: 30,
    joinWindow: Duration.minutes(1),
    joinAddressesMax: 4_096,
    /** Connections kept to each other master, and requests that may wait for one. */
    connectionsPerMasterMax: 8,
    callsWaitingMax: 1_024,
    callTimeout: Duration.seconds(5)
  },

  joining: {
    connectTimeout: Duration.seconds(5),
    /** Longer than a member takes at most, so that its answer is heard. */
    attemptTimeout: Duration.seconds(20),
    /** From another master that forms a cluster, connecting included. */
    formingAnswer: Duration.seconds(3),
    /** While this master has no cluster. */
    connectionsMax: 256,
    waitLogged: Duration.seconds(10)
  },

  cluster: {
    /** A server certificate is renewed when less than this is left of it. */
    certificateRenewal: Duration.days(30),
    certificateCheckInterval: Duration.hours(1),
    /** A start that waits for the cluster's state looks so often, and says so. */
    stateCheckInterval: Duration.millis(50),
    waitingLogInterval: Duration.seconds(10),
    /** A learner that has caught up has to stay so for this long before it votes. */
    promotionStability: Duration.seconds(10),
    /** Masters that are admitted so soon after the first one form the cluster, and vote as soon as they have caught up. */
    forming: Duration.minutes(1),
    /** A peer that has not been heard of for this long is not counted on. */
    peerSilence: Duration.seconds(5),
    /** So long after a leader first sees a peer, Raft's word that it is active means that it was heard. */
    peerUnproven: Duration.seconds(1),
    /** A step of the members that has to wait for this long is logged, and for the second, a warning. */
    memberStepLogged: Duration.seconds(3),
    memberStepWarning: Duration.seconds(30),
    /** A master that has not been heard of for this long is warned about, and for the second, removed where that is set. */
    deadMasterWarning: Duration.minutes(2),
    deadMasterRemoval: Duration.minutes(30),
    autopilotInterval: Duration.seconds(10),
    /** The cluster's version rises when every master has known the next for so long. */
    upgradeStability: Duration.seconds(30),
    upgradeInterval: Duration.seconds(5),
    /** Voters that must stay alive when autopilot removes a dead one. */
    autopilotVotersMin: 3,
    /** Asking another master how it is, and how long its answer is good. */
    askMaster: Duration.seconds(1),
    statusKept: Duration.seconds(1),
    /** A master without a leader for this long asks the others where everybody is, and whether it is still one of them. */
    lostLeader: Duration.seconds(5),
    lostLeaderAskInterval: Duration.seconds(5),
    /** Raft keeps the address of a master that was removed, to tell it so. */
    goneMasterKept: Duration.hours(1),
    /** Less free space than both the bytes and the share is an alarm; it ends at twice as much. */
    diskAlarmBytes: 256 * 1_048_576,
    diskAlarmShare: 0.05,
    diskCheckInterval: Duration.seconds(10),
    diskUseKept: Duration.seconds(5),
    /** For each voter that a leader whose state is wrong asks to take over before it ends. */
    divergedHandover: Duration.seconds(3),
    /** Of one master, to the others. */
    warningsTold: 64
  },

  // backup
  backup: {
    /** What a backup says of itself takes some 500 bytes. */
    headerBytesMax: 65_536,
    chunkBytes: 262_144,
    /** A client that has taken nothing for this long, and up to twice as long, is cut off: others wait for their turn. */
    stalledMax: Duration.minutes(1)
  },

  // recovery
  recovery: {
    /** Applying what a log holds; a node keeps little more than its last snapshot covers. */
    applyMax: Duration.minutes(10)
  }
} as const
