/** Every bound in the agent, in one place. Bare numbers carry their unit last in the name. */
import { Duration } from "effect"

export const Limits = {
  // deploy
  /** Settled generation directories kept for rollback, the one in use among them (AF-002). */
  generationsKeptMax: 5,
  /** Generations whose files are known without being read: the one that serves, and one that failed after it. */
  treesRememberedMax: 2,
  /** Files written or linked before other fibers get a turn. */
  stageFilesPerTurn: 64,
  /** Up to this many new files are fsynced one by one; above it one syncfs is faster. */
  fsyncFilesMax: 128,
  /** Above this many draining workers, reloads are at least `drainingReloadInterval` apart. */
  drainingWorkersMax: 64,
  drainingReloadInterval: Duration.seconds(30),
  /** The journal is folded into one line when it holds more. */
  journalLinesMax: 512,
  warningsMax: 100,
  /** The test of text that nobody vouches for: wall time, processor time, address space, and each file that it writes (512 bytes). */
  sandboxTimeout: Duration.seconds(20),
  sandboxCpuSeconds: 20,
  sandboxMemoryKib: 4 * 1_048_576,
  sandboxFileBlocks: 65_536,
  /** Files of nginx's own configuration that the sandbox gets a copy of. */
  sandboxFilesMax: 1_000,
  /** How long parts of a refused tree are tested to find what nginx refuses. */
  isolationTimeout: Duration.seconds(60),
  /** How often one deployment leaves something out anew before it fails. */
  isolationsMax: 6,
  /** How often what a reload refused is left out, each time after a rollback. */
  reloadIsolationsMax: 3,
  /** Generations of which is known what nginx refuses in them: those that are kept, and one in the making. */
  quarantinesKeptMax: 6,
  /** Generation directories of which is known what they were rendered with. */
  renderInputsRememberedMax: 64,

  // nginx
  commandOutputBytesMax: 256 * 1024,
  /** A whole configuration, as `doctor` reads it. */
  nginxDumpBytesMax: 64 * 1024 * 1024,
  nginxVersionTimeout: Duration.seconds(5),
  nginxTestTimeout: Duration.minutes(2),
  nginxStartTimeout: Duration.seconds(30),
  proofPollInterval: Duration.millis(2),
  /** How long a start waits for nginx to show a reload that was signalled just before the agent died. */
  recoveryProofTimeout: Duration.seconds(1),
  proofAnswerTimeout: Duration.seconds(1),
  proofAnswerBytesMax: 4_096,
  /** A reload that shows nothing for this long, or for `reloadTestFactor` times its own `-t`, has failed. */
  reloadTimeout: Duration.seconds(10),
  reloadTestFactor: 5,
  errorLogBytesMax: 256 * 1024,
  /** Complaints of nginx's between a reload and its end, in a deployment's warnings. */
  reloadComplaintsMax: 20,
  /** sockaddr_un holds 108 bytes; nginx and its temporary names need a few. */
  socketPathBytesMax: 100,
  orphanGrace: Duration.seconds(2),
  /** A systemctl that waits for its job. */
  serviceTimeout: Duration.minutes(1),
  /** How long two binaries may serve beside each other before a deployment gives up waiting. */
  upgradeGrace: Duration.seconds(10),
  /** From USR2 until a master that is still alone says that no other was started. */
  upgradeStartDelay: Duration.seconds(1),
  upgradeProofTimeout: Duration.seconds(3),
  upgradePollInterval: Duration.millis(20),
  /** From QUIT until the sockets are closed. */
  quitTimeout: Duration.seconds(10),
  /** How long a container that restarts may wait for its last clients, and then for its runtime. */
  drainGrace: Duration.seconds(15),
  runtimeRestartTimeout: Duration.seconds(30),
  watchInterval: Duration.seconds(1),

  /** Symbolic links on one path inside a container's root; the kernel's own limit (path_resolution(7)). */
  linksFollowedMax: 40,
  /** How much of a binary is read for its version, where it cannot be run. */
  nginxBinaryBytesMax: 256 * 1024 * 1024,
  /** The longest line of `nginx -V`: the arguments of `configure`. */
  nginxVersionLineBytesMax: 32 * 1024,
  /** How long a sidecar's agent waits at its start for nginx's container. */
  sidecarStartTimeout: Duration.minutes(2),
  /** Well within the 2.5 s for which nginx tries to bind. */
  sidecarProbeInterval: Duration.millis(500),

  // lifecycle
  /** Outcomes of actions kept for one that is asked for again. */
  actionsRememberedMax: 64,
  actionsWaitingMax: 16,
  /** How often a deployment that waits looks whether nginx may run again. */
  stoppedCheckInterval: Duration.seconds(1),

  // watchdog
  /** A unit that is gone may be in the middle of a restart. */
  serviceGrace: Duration.seconds(3),
  watchdogSlowRetry: Duration.minutes(5),
  /** Rounds of dying workers within the window that are a crash loop. */
  workerDeathRoundsMax: 5,
  workerDeathWindow: Duration.seconds(30),
  /** How long nobody answers on the proof socket before anything is done about it. */
  proofSilenceMax: Duration.seconds(30),
  proofMismatchMax: Duration.seconds(5),
  /** Well for this long, and the watchdog's remedies count from the first again. */
  watchdogForgets: Duration.minutes(5),
  /** Looks that are further apart than this say that the machine is starved, not nginx. */
  watchdogPauseMax: Duration.seconds(5),

  // upstream names
  /** For names without an address; those that have one are waited for less. */
  resolveTimeout: Duration.seconds(3),
  resolveKnownTimeout: Duration.millis(500),
  addressRefreshInterval: Duration.seconds(30),
  /** How often the tree that serves is compared with the addresses and the health of its servers. */
  refreshPollInterval: Duration.seconds(1),
  /** What changes within this time of a first change is one reload. */
  refreshSettleInterval: Duration.seconds(2),
  /** Least time between a reload and one for servers that changed. */
  refreshReloadInterval: Duration.seconds(10),
  /** After a deployment for servers that changed was refused or undone. */
  refreshRetryInterval: Duration.minutes(5),
  addressesPerHostMax: 64,
  /** Names whose last addresses are kept, those of earlier bundles among them. */
  namesRememberedMax: 16_384,
  /** Changes of a name's addresses that are followed within `restlessWindow`, while one of those in use is still an answer. */
  restlessChangesMax: 3,
  restlessWindow: Duration.minutes(10),

  // health checks of upstream servers
  /** Addresses probed by one agent, of all upstreams together. */
  probeTargetsMax: 4_096,
  /** In flight at once: each is a socket. Those beyond wait their turn, and are probed less often than they should be. */
  probesInFlightMax: 256,
  /** The operator's own URL (`NXMESH_HEALTH_URL`). */
  siteCheckInterval: Duration.seconds(5),
  siteCheckTimeoutMillis: 5_000,
  siteCheckFailuresMax: 3,
  probeHeaderBytesMax: 16 * 1_024,
  /** Share of an interval by which probes are early or late at random, so that they do not come in step. */
  probeJitterRatio: 0.1,
  /** The first probes of new servers are spread over this. */
  probeStartSpread: Duration.seconds(1),
  probePlanInterval: Duration.seconds(1),
  /** A server that fails again within this time of its recovery needs twice the passes, up to this many times. */
  probeRelapseWindow: Duration.minutes(5),
  probeRelapseFactorMax: 16,
  /** Servers that one alert names. */
  backendsNamedMax: 5,

  // drift
  /** After a change was seen, for the rest of it: an editor writes a file in several steps. */
  driftSettleDelay: Duration.millis(300),
  /** The tree is looked at this often without being told of a change, files by their inode, size and time. */
  driftCheckInterval: Duration.seconds(30),
  /** And this often by their content. */
  driftHashInterval: Duration.minutes(10),
  /** How often the agent looks whether another generation settled. */
  driftFollowInterval: Duration.seconds(1),
  /** How long drift is in the reports after all is well again. */
  driftShownFor: Duration.minutes(10),
  /** Times in a row that files are put back at once; then `revertWait` passes, doubled each time up to `revertWaitMax`. */
  revertsAtOnceMax: 3,
  revertWait: Duration.minutes(1),
  revertWaitMax: Duration.hours(1),
  /** Without a change for this long the count begins again. */
  revertQuiet: Duration.hours(2),
  /** Between the start of a worker and a change of a file, which two clocks tell. */
  workerStartMarginMillis: 2_000,
  /** Entries of a generation's directory that are looked at beyond those that settled. */
  driftEntriesMax: 10_000,
  driftDepthMax: 8,
  /** Above this a file is not compared line by line. */
  driftTextBytesMax: 1_048_576,
  /** Lines between the first and the last that differ, above which two texts are not compared. */
  driftLinesComparedMax: 300,
  /** Findings whose texts are read; a report has room for fewer. */
  driftTextsMax: 64,
  foreignFilesMax: 1_000,
  foreignFileBytesMax: 4 * 1_048_576,
  moduleFilesMax: 256,
  settledTreeBytesMax: 64 * 1_048_576,
  /** Directories watched for changes; the rest is found by the periodic look. */
  watchesMax: 256,

  // cache
  cachedBundleBytesMax: 256 * 1024 * 1024,

  // outbox
  outboxMegabytesMax: 4_096,
  outboxAgeMaxMillis: 7 * 86_400_000,
  /** About what one entry holds, and one call to a master; a single log line may be longer. */
  outboxEntryCharactersMax: 262_144,
  outboxBatchCharactersMax: 524_288,
  outboxReportCharactersMax: 1_048_576,
  /** Less room than this on its disk, and the outbox leaves it to deployments. */
  outboxDiskFreeBytesMin: 32 * 1_048_576,
  outboxDiskCheckInterval: Duration.seconds(5),
  /** A power cut may take what was offered within this. */
  outboxFlushInterval: Duration.seconds(1),
  /** After a write that failed. */
  outboxRetryMillis: 10_000,
  /** More reports than could have been written and not be on the disk after a crash. */
  outboxSequenceLeap: 1_000_000,
  /** What waited goes to a master no faster: a fleet comes back from an outage at once. */
  outboxBytesPerSecondMax: 1_048_576,
  /** And begins within this after each connection. */
  outboxSpreadMillis: 2_000,

  // link
  /** After a lost connection the other masters are tried at once, spread over this, so that a fleet does not return in one instant. */
  failoverSpreadMillis: 1_000,
  /** Every master refused for good: asked again this often, for what a person may have mended. */
  refusedRetryMillis: 300_000,
  connectTimeout: Duration.seconds(10),
  callTimeout: Duration.seconds(30),
  pingInterval: Duration.seconds(10),
  pingTimeout: Duration.seconds(20),
  outcomesKeptMax: 64,
  outcomesPerReportMax: 16,
  /** How often the agent looks for a change of health that is reported at once. */
  healthProbeInterval: Duration.seconds(2),
  metricsConnectionsMax: 64,

  // metrics
  linkLookInterval: Duration.seconds(1),
  metricsReportInterval: Duration.seconds(30),
  statsdInterval: Duration.seconds(10),
  statsdSendTimeout: Duration.seconds(2),
  /** What every path over Ethernet carries whole. */
  statsdDatagramBytesMax: 1_400,

  // logs
  /** How often logs are looked at; with nginx's own second of buffering, what a line is late. */
  logPollInterval: Duration.millis(500),
  /** What is read of one log before other fibers get a turn. */
  logTurnBytesMax: 1024 * 1024,
  /** Three headers of 8 KiB, each byte of them escaped as \u00XX. */
  logLineBytesMax: 192 * 1024,
  /** A reader that is further behind leaves out what it cannot catch up with, and counts it. */
  logBacklogBytesMax: 256 * 1024 * 1024,
  /** Bytes by which a log's file is known again. */
  logHeadBytes: 256,
  /** A file that was rotated away is looked at for this long after its last line: nginx writes to it until it is told. */
  rotatedLogQuiet: Duration.seconds(30),
  logSiblingsMax: 64,
  logFilesMax: 16,
  /** A message of nginx's that goes on in further lines. */
  errorMessageLinesMax: 32,
  /** Lines shipped to the masters, over all logs; more are counted as dropped. */
  logLinesPerSecondMax: 2_000,
  logLinesBurstMax: 10_000,
  /** The agent's own logs are rotated at this size, and so many rotated files are kept. */
  ownLogBytesMax: 64 * 1024 * 1024,
  ownLogsKeptMax: 2,
  ownLogCheckInterval: Duration.seconds(5),
  reopenTimeout: Duration.seconds(2),
  reopenPollInterval: Duration.millis(20),
  /** Hosts, and hosts with their locations, that metrics name. */
  accessHostsMax: 200,
  accessLocationsMax: 500
} as const
