/**
 * When a proposal or a read is tried again. A new leader is tried at once; else the waits double, so that a cluster that
 * cannot take what it is asked for is not asked ever faster. All waits are ticks.
 */

/** How long a request that was forwarded may stay without an answer: it, or the answer, is probably lost. */
export const answerTicks = (electionTicks: number, attempts: number): number =>
  electionTicks * 2 ** Math.min(Math.max(attempts - 1, 0), 4)

/** How long to wait after `refusals` in a row, at most an election timeout: by then a transfer has ended one way or the other. */
export const refusedTicks = (electionTicks: number, refusals: number): number =>
  Math.min(2 ** Math.min(refusals - 1, 16), electionTicks)
