/** Every retry has a name, so that its bounds can be read in one place. */
import { Schedule } from "effect"

/** A report that must arrive while the connection lasts: 250 ms, doubling to 10 s, jittered, without an end of its own. */
export const reportRetry = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered
)

/** A task that the cluster needs exactly one of, on its leader: 1 s, doubling to 30 s, jittered, for as long as it leads. */
export const leaderTaskRestart = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")]).pipe(
  Schedule.jittered
)

/** Asking what is committed, until a leader is there and has the time to say: every 200 ms. */
export const leaderReadRetry = Schedule.spaced("200 millis")

/** A node of Raft that waits to be where the cluster is: every 250 ms, for as long as it runs. */
export const raftRetry = Schedule.spaced("250 millis")

/** Masters that form a cluster ask each other every 300 ms, jittered, until it stands. */
export const formingPoll = Schedule.spaced("300 millis").pipe(Schedule.jittered)

/** A master that asks to be let into a cluster: 250 ms, doubling to 10 s, jittered, until a member answers for good. */
export const joinRetry = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered
)

/** Saying which agents are connected to a master, when it cannot be written: 500 ms, doubling to 10 s, jittered, without an end. */
export const agentClaimRetry = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered
)

/** A master that tells the cluster what it is: 1 s, doubling to 30 s, until some leader has heard it. */
export const describeRetry = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")]).pipe(
  Schedule.jittered
)

/** A master that tells the others what its state is at a check: 500 ms, doubling to 10 s, jittered, while that check is the newest. */
export const stateReportRetry = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered
)
