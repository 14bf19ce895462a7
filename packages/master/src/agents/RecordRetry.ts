/** How what agents say is put into the log while there is no leader, or too much to do. */
import { type Duration, Schedule } from "effect"
import { isTransient } from "../command/CommandError.ts"
import type { CommandError, CommandRejected } from "../command/Commands.ts"

/** @param isWorth whether trying again may help where the error itself does not pass */
export const recordRetry = (within: Duration.Duration, isWorth: (error: CommandError) => boolean = () => false) =>
  Schedule.exponential("50 millis").pipe(
    Schedule.jittered,
    Schedule.upTo({ duration: within }),
    Schedule.setInputType<CommandError | CommandRejected>(),
    Schedule.while(({ input }) => input._tag === "CommandError" && (isTransient(input) || isWorth(input)))
  )
