/** Every bound of the master, in one place. Bare numbers carry their unit last in the name. Each folder has its section. */
import { Duration } from "effect"

export const Limits = {
  /** From the signal to the exit, whatever still runs then: longer than any part's own bound. */
  stop: Duration.seconds(25),

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

  // auth and cluster
  auth: {
    /** Each takes a core and a thread of libuv's pool for tens of milliseconds. */
    passwordHashesConcurrentMax: 2,
    /** Logins that wait for their turn; what comes beyond is told to come back. */
    loginsWaitingMax: 256,
    loginsFullRetrySeconds: 5,
    accessTokenLifetime: Duration.minutes(15),
    /** Between the clocks of two masters. */
    clockSkew: Duration.seconds(5),
    /** A session that is not refreshed for this long ends; every session ends at the age below. */
    refreshLifetime: Duration.days(7),
    sessionAge: Duration.days(30),
    refreshTokenBytes: 32,
    /** Failed logins in a row without a wait, by one email from one address, and by one email from anywhere. */
    freeFailuresMax: 5,
    freeFailuresPerEmailMax: 50,
    lockoutFirst: Duration.seconds(1),
    lockoutMax: Duration.minutes(15),
    /** What guessers elsewhere can do to the owner of an email is bounded by this. */
    lockoutPerEmailMax: Duration.seconds(10),
    failuresForgottenAfter: Duration.hours(24),
    /** Failures kept in memory while none can be recorded. */
    rememberedEmailsMax: 1_000,
    rememberedAddressesMax: 100,
    /** A token given while there is no quorum: good for looking, until someone can log in. */
    readOnlyTokenLifetime: Duration.minutes(5),
    signingKeyBits: 2_048,
    signingKeysMax: 8,
    generatedPasswordBytes: 15,
    /** 192 bits: beyond guessing, so that a fast hash is enough. */
    apiKeySecretBytes: 24,
    /** How exactly the last use of a key is known, how often a master tells of it, and of how many keys at once. */
    keyUseResolution: Duration.hours(1),
    keyUseInterval: Duration.minutes(1),
    keyUsesPerCommandMax: 1_000,
    passwordLinkBytes: 32,
    userAgentCharactersMax: 256
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
  },

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

  // keys
  keys: {
    taskInterval: Duration.seconds(5),
    sealingKeyInterval: Duration.seconds(1),
    /** Texts of the state whose secrets one command wraps anew; the largest is a certificate's. */
    placesPerCommandMax: 32,
    remainingCountedMax: 1_000,
    /** A rotation does not end before: what a master sealed with the old key may be on its way. */
    rotationSettles: Duration.minutes(1),
    signingKeyAge: Duration.days(90),
    /** Between a key's being known and its first signature: longer than others keep the set of keys. */
    signingKeyPublished: Duration.minutes(10),
    agentKeyAge: Duration.days(90),
    agentAskedAgain: Duration.minutes(1),
    agentsLookedAtPerSecond: 200,
    /** Each is an entry of the log. */
    agentsRotatedPerSecond: 10
  },

  // audit
  audit: {
    /** Of a row's `before` or `after`; a longer one is named by its hash. */
    valueCharactersMax: 32_768,
    userAgentCharactersMax: 200,
    /** Of one `CutAudit`: a few tens of milliseconds of apply. */
    cutRowsMax: 10_000,
    /** Looked at between two chances for others to run, and for one page of a search. */
    rowsTogether: 500,
    rowsPerSearchMax: 50_000,
    retentionInterval: Duration.hours(1),
    /** Of an export: two values at their longest, written as JSON twice over, and what is beside them. */
    lineBytesMax: 1_048_576
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
