/** Every bound of the master, in one place. Bare numbers carry their unit last in the name. Each folder has its section. */
import { Duration } from "effect"
import { httpLimits } from "./limits/HttpLimits.ts"
import { mastersLimits } from "./limits/MastersLimits.ts"
import { peopleLimits } from "./limits/PeopleLimits.ts"
import { telemetryLimits } from "./limits/TelemetryLimits.ts"

export const Limits = {
  ...httpLimits,
  ...mastersLimits,
  ...peopleLimits,
  ...telemetryLimits,

  /** From the signal to the exit, whatever still runs then: longer than any part's own bound. */
  stop: Duration.seconds(25),

  // config and agents
  config: {
    /** Entries of manifests kept so that agents that serve them get deltas: 8 bytes each, beside what they share. */
    manifestEntriesKept: 4_000_000,
    manifestsKept: 4_096,
    /** Manifests of at most so many resources are recorded with their settled deployments, as version numbers. */
    recordedResourcesMax: 512,
    generationsRecordedKept: 4_096,
    /** A delta with more than this share of the bundle's resources is no longer worth it. */
    deltaShareMax: 0.5,
    /** Traces of changes that one deployment, or one record of outcomes, is linked to. */
    tracesMergedMax: 16,
    /** Hosts rendered between two chances for others to run, where a template is tried on all that use it. */
    hostsRenderedTogether: 50
  },

  agents: {
    /** Pairs of a change and an agent that does not serve it yet, which the metric of convergence follows. */
    changePairsMax: 200_000,
    changesWaitingMax: 4_096,
    changesExpireInterval: Duration.seconds(10),
    /** A change that not all serve after so long counts as unsettled. */
    convergenceMax: Duration.minutes(10),
    /** How long a registration waits for this master to come where its agent is, and how often it looks. */
    catchUpWait: Duration.seconds(2),
    catchUpInterval: Duration.millis(25),
    /** Connections that come within this are claimed by one command. */
    claimDelay: Duration.millis(200),
    /** An agent is not called offline for so long after its master died or sent it elsewhere. */
    offlineGrace: Duration.seconds(15),
    /** How often the other masters are asked which of their agents changed, how long they have, and how much is taken at once. */
    presenceInterval: Duration.seconds(2),
    presenceDeadline: Duration.seconds(2),
    presenceAnswersMax: 16,
    /** For a message to the session of an agent, wherever it is. */
    messageDeadline: Duration.seconds(5),
    /** How long whoever asks for an action waits for the agent's answer, and how long an agent that connects anew is asked again. */
    actionAnswerMax: Duration.seconds(60),
    /** What is asked for while the agent is connected is given to it, though the clocks of two masters may differ by so much. */
    actionClocksDifferMax: Duration.minutes(5),
    /** A preflight tests a whole configuration, more than once when it finds who is to blame. */
    preflightAnswerMax: Duration.seconds(60),
    /** Of one agent, which does one at a time. */
    preflightsWaitingMax: 4,
    /** An outcome that cannot be written for want of a leader is tried again for this long. */
    actionRecordRetryMax: Duration.seconds(60),
    /** How often a master looks whether it can serve agents. */
    acceptanceInterval: Duration.seconds(1),
    /** A start that takes no agents for so long is warned about. */
    acceptanceWarning: Duration.seconds(30),
    masterListDelay: Duration.millis(100),
    /** A master that holds more than its share by this factor, and so many more, sends agents back, a few every second. */
    rebalanceToleranceFactor: 1.1,
    rebalanceSlack: 8,
    rebalanceSteady: Duration.seconds(30),
    rebalancePatience: Duration.hours(1),
    rebalancedPerSecondMax: 25,
    /** Directives that an agent has not taken yet; more wait with the session. */
    directivesWaitingMax: 16,
    /** Messages to one session that wait their turn. */
    mailboxMessagesMax: 64,
    /** An agent that has not answered a deployment for this long is given what it should have anew. */
    deploymentAnswerMax: Duration.minutes(10),
    /** Before a generation that failed is tried again on a reconnect: doubled with every failure, up to the second. */
    retryFirst: Duration.seconds(5),
    retryMax: Duration.minutes(10),
    outcomesPerCommandMax: 64,
    outcomesWaitingMax: 16_384,
    /** Commands of outcomes that are refused for want of a log are tried again for this long. */
    outcomeRetryMax: Duration.seconds(30)
  },

  // state
  state: {
    /** More voters make every write slower, and no cluster safer. */
    mastersMax: 9,
    /** Referrers named when a delete is refused. */
    referencesNamedMax: 20,
    /** Older entries are applied without spans: their trace was told when they were proposed. */
    traceAgeMillisMax: 60_000,
    openTokensPerAgentMax: 16,
    openJoinTokensMax: 16,
    /** Agents in one `ClaimAgents`. */
    claimsPerCommandMax: 1_024,
    sessionsPerUserMax: 64,
    serviceAccountsMax: 1_000,
    /** Two are enough to replace one without a gap. */
    apiKeysPerAccountMax: 10,
    /** Refresh tokens remembered per session, to tell a stolen one from a wrong one. */
    replacedTokensPerSessionMax: 3_000,
    refreshRetryWindow: Duration.seconds(30),
    loginFailuresMax: 10_000,
    loginFailuresKept: Duration.days(1),
    deploymentsPerAgentMax: 20,
    actionsPerAgentMax: 20,
    generationsMax: 1_000,
    manifestsMax: 32,
    idempotencyKept: Duration.hours(24),
    busyMillisMax: 5_000,
    /** A checkpoint is made beside apply when the -wal is so large, and in apply's thread when that does not keep up. */
    checkpointBytes: 16 * 1_048_576,
    walBytesMax: 64 * 1_048_576,
    /** Pages that apply keeps in memory: with SQLite's own 2 MiB a change of any of 100,000 resources takes half as long again. */
    pageCacheBytes: 64 * 1_048_576,
    /** Of a state that takes the place of this one, read and written in one piece. */
    restoreChunkBytes: 1_048_576,
    restoreFlushBytes: 8 * 1_048_576,
    /** Events that a subscriber may lag behind before it has to start over. */
    subscriberEventsMax: 4_096
  },

  // command
  command: {
    /** A read waits so long for a leader, longer than an election takes. */
    readBarrierMillisMax: 3_000,
    /** Commands of this master that wait for their outcome; more are refused. */
    waitingMax: 10_000,
    commandBytesMax: 4 * 1_048_576,
    /** Without a leader for so long, a master tells load balancers to send nobody. */
    leaderlessMax: Duration.seconds(10)
  }
} as const
