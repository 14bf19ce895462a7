/** Why a restore or a recovery was not done. Whatever was begun is gone on with by running the command again. */
import { Data } from "effect"

export class RecoveryError extends Data.TaggedError("RecoveryError")<{
  /** Refused: nothing was changed. Failed: the disk or the state did not let it be done. */
  readonly reason: "Refused" | "Failed"
  readonly message: string
}> {}

export const refused = (message: string): RecoveryError => new RecoveryError({ reason: "Refused", message })
export const failed = (message: string): RecoveryError => new RecoveryError({ reason: "Failed", message })
