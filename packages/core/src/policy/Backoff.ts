/** How long to wait before trying again. Pure: the caller brings the random number. */

export interface Backoff {
  /** Milliseconds before the first retry, doubled for each that follows. */
  readonly baseMillis: number
  readonly capMillis: number
  /** Share of the delay that is random, from 0 to 1: clients that failed together must not return together. */
  readonly jitter: number
}

/**
 * The delay before retry number `retry`, counted from 0.
 *
 * @param random in [0, 1)
 */
export const backoffMillis = ({ baseMillis, capMillis, jitter }: Backoff, retry: number, random: number): number => {
  const delay = Math.min(capMillis, baseMillis * 2 ** Math.min(retry, 52))
  return Math.round(delay * (1 - jitter * random))
}

/** An agent that cannot reach any master: 1, 2, 4 … 60 s (architecture.md, Connection Management). */
export const linkBackoff: Backoff = { baseMillis: 1_000, capMillis: 60_000, jitter: 0.5 }
