/** Every retry has a name, so that its bounds can be read in one place. */
import { Schedule } from "effect"

/** A report that must arrive while the connection lasts: 250 ms, doubling to 10 s, jittered, without an end of its own. */
export const reportRetry = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered
)
