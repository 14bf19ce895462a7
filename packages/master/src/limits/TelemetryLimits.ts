/** What the fleet tells, and what is asked of it. Bare numbers carry their unit last in the name. */
import { Duration } from "effect"

export const telemetryLimits = {
  graphql: {
    tokensMax: 2_000,
    /** What introspection needs, and more than our own types have. */
    depthMax: 15,
    fieldsMax: 500,
    /** Of the fields that ask the logs, in one request. */
    questionsMax: 4,
    errorsMax: 20
  },

  // questions to the access logs
  accessLogs: {
    /** Where a question says no beginning. */
    spanMillisDefault: 3_600_000,
    /** By how much an agent's clock may be ahead, for its lines to be in what goes on until now. */
    skewMillisMax: 60_000,
    /** More agents than that are looked for among all lines of the time, and not one by one. */
    agentsOneByOneMax: 64,
    /** Lines that one page, or one aggregate, looks at. */
    pageScanMax: 250_000,
    aggregateScanMax: 1_000_000,
    /** Of one master's part of an aggregate. */
    partialGroupsMax: 2_001,
    // live tails
    tailsMax: 64,
    /** Of other masters' tails. */
    remoteTailsMax: 512,
    /** Lines of one tail that wait to be sent; more are dropped, and counted. */
    tailLinesMax: 2_000,
    tailTick: Duration.millis(200),
    tailAskInterval: Duration.seconds(1),
    tailHeartbeat: Duration.seconds(15),
    /** How long a tail may go on that its owner may read no more. */
    tailAccessInterval: Duration.seconds(5),
    /** Another master's tail that does not ask again has ended. */
    remoteTailMillisMax: 10_000,
    answerMillisMax: 10_000
  },

  // telemetry
  telemetry: {
    megabytesMax: 1_048_576,
    /** Of one agent, whose places are remembered. */
    outboxesPerAgentMax: 64,
    rowsRemovedTogether: 10_000,
    retentionInterval: Duration.minutes(1),
    retentionRoundsMax: 100,
    requestsPerTransactionMax: 64,
    /** Of batches that wait to be written; what comes beyond comes again. */
    charactersInFlightMax: 32 * 1_048_576,
    /** Less than an agent waits for its answer. */
    answerTimeout: Duration.seconds(20),
    threadRestartMillis: 5_000,
    busyMillisMax: 1_000,
    /** Of different names and labels: what an agent tells beyond is left out. */
    seriesPerAgentMax: 5_000,
    /** Reports that came by themselves, until they can be written: health of 10,000 agents for half a minute. */
    notesWaitingMax: 10_000,
    noteRetryInterval: Duration.seconds(1),
    /** For what still waits when the master stops. */
    notesLeaveMax: Duration.seconds(2),
    noteCharactersWaitingMax: 16 * 1_048_576,
    notesTogetherMax: 512,
    /** How much of its space each kind may take before it is the one that gives way. */
    shares: { access_logs: 0.6, error_logs: 0.1, events: 0.05, health: 0.05, metrics: 0.2 },
    /** A clock that is ahead by more has its lines kept under the time of their arrival. */
    aheadMillisMax: 300_000,
    // Queries beside the intake
    /** Of one agent's metrics, for one answer. */
    metricRowsMax: 100_000,
    pointsMax: 2_000,
    readersMax: 2,
    /** Threads that were told to stop and still are in SQLite. */
    readersStoppingMax: 4,
    queriesWaitingMax: 64,
    queryTimeoutMillis: 5_000,
    /** Shorter than a query may take there: a master that is slow is named, not waited for. */
    gatherTimeout: Duration.seconds(6),
    // Postgres
    postgresReadersMax: 4,
    postgresWritersMax: 2,
    postgresConnectTimeout: Duration.seconds(5),
    postgresStatementMillis: 15_000,
    postgresLockMillis: 5_000,
    partitionsAhead: 2,
    /** Of the schema's changes and of partitions, among masters that start at once. */
    advisoryLock: 7_811_301
  },

  // alerting
  alerting: {
    /** How often the leader looks at everything that rules watch; what telemetry tells is asked for less often. */
    interval: Duration.seconds(10),
    telemetryInterval: Duration.seconds(30),
    /** Agents looked at between two chances for others to run. */
    agentsPerSlice: 200,
    /** A condition that holds for so long is noted as pending, so that another leader does not count anew. */
    pendingNotedAfter: Duration.seconds(20),
    /** A rule that cannot be judged for so long is an alert itself. */
    unknownFor: Duration.minutes(5),
    /** Alerts in one entry of the log, and in one message. */
    changesPerCommandMax: 256,
    alertsPerMessageMax: 500,
    /** Of one rule; what is beyond is left out, and the rule says so. */
    alertsPerRuleMax: 20_000,
    resolvedKept: Duration.days(7),
    resolvedMax: 5_000,
    silencesKept: Duration.days(30),
    /** Rules, silences and webhooks of an installation, of each. */
    resourcesPerKindMax: 1_000,
    summaryCharactersMax: 1_024,
    // Delivery
    deliveryInterval: Duration.seconds(1),
    deliveriesTogetherMax: 64,
    deliveriesConcurrentMax: 8,
    /** Messages to one webhook that wait. While any does, what comes is gathered for the next. */
    deliveriesWaitingMax: 4,
    deliveriesKeptPerWebhook: 50,
    /** Between two messages to one webhook, tests left out. */
    messageInterval: Duration.seconds(10),
    deliveryTimeout: Duration.seconds(10),
    /** Before the next attempt: doubled with each, up to the second, and given up after the third. */
    retryFirst: Duration.seconds(2),
    retryMax: Duration.minutes(15),
    deliveryAge: Duration.hours(24),
    answerBytesMax: 65_536,
    errorCharactersMax: 512,
    webhookSecretBytes: 32,
    /** How long who asks for a test waits for its end. */
    testWait: Duration.seconds(15)
  }
} as const
