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
  /** sockaddr_un holds 108 bytes; nginx and its temporary names need a few. */
  socketPathBytesMax: 100,
  orphanGrace: Duration.seconds(2),
  watchInterval: Duration.seconds(1),
  /** Starts of a dying nginx within `restartWindow`, after which the watchdog waits for the window to pass. */
  restartsMax: 5,
  restartWindow: Duration.minutes(1),

  // upstream names
  resolveTimeout: Duration.seconds(3),
  addressRefreshInterval: Duration.seconds(30),
  addressesPerHostMax: 64,

  // cache
  cachedBundleBytesMax: 256 * 1024 * 1024,

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
  healthInterval: Duration.seconds(30),
  /** How often the agent looks for a change of health that is reported at once. */
  healthProbeInterval: Duration.seconds(2),
  metricsConnectionsMax: 64
} as const
