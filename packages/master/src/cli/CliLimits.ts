/** Every bound of the command line, which sees nothing of the master but its API. */
import { Duration } from "effect"

export const CliLimits = {
  /** A master that has not answered by then is given up. */
  answer: Duration.seconds(30),
  /** An agent that answers an action later than its master waits is asked about for so long, this often. */
  actionAfterwards: Duration.minutes(1),
  actionInterval: Duration.seconds(1),
  /** All of an action: the master waits a minute, and then this command line. */
  action: Duration.minutes(3),
  /** Until a master begins to give a backup away: it copies its state first, some seconds for each gigabyte. */
  backupBegins: Duration.minutes(5),
  /** A backup of which nothing came for so long is given up. */
  backupSilence: Duration.minutes(1),
  /** Asking again how far a handover is. */
  handoverInterval: Duration.millis(250),
  /** An access token with less left than this is replaced first. */
  accessTokenLeftMillis: 30_000
} as const
