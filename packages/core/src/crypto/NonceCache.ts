/**
 * Which nonces were seen, for as long as their calls could be replayed. Bounded in time by the window and in memory by
 * count: when full it forgets the oldest and from then on refuses calls no newer than what it forgot, so that
 * forgetting never admits a replay. One per connection is right for calls that are bound to their connection.
 */
export interface NonceCacheLimits {
  readonly windowMillis: number
  readonly countMax: number
}

export type NonceVerdict = "Fresh" | "Replayed" | "Stale"

export class NonceCache {
  /** Timestamps by nonce, in order of arrival. */
  readonly #seen = new Map<string, number>()
  readonly #limits: NonceCacheLimits
  /** Calls with this timestamp or an older one can no longer be told from replays. */
  #floorMillis = Number.NEGATIVE_INFINITY

  constructor(limits: NonceCacheLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#seen.size
  }

  /** Remembers a nonce, and says whether its call is the first with it. Call it for verified signatures only. */
  admit(nonce: string, timestampMillis: number, nowMillis: number): NonceVerdict {
    this.#expire(nowMillis)
    if (this.#seen.has(nonce)) return "Replayed"
    if (timestampMillis <= this.#floorMillis) return "Stale"
    this.#seen.set(nonce, timestampMillis)
    if (this.#seen.size > this.#limits.countMax) this.#forgetFirst()
    return "Fresh"
  }

  /** Arrival is close to the order of timestamps, so looking at the front alone keeps this cheap. */
  #expire(nowMillis: number): void {
    for (const [nonce, timestampMillis] of this.#seen) {
      if (nowMillis - timestampMillis <= this.#limits.windowMillis) return
      this.#seen.delete(nonce)
    }
  }

  #forgetFirst(): void {
    for (const [nonce, timestampMillis] of this.#seen) {
      this.#seen.delete(nonce)
      this.#floorMillis = Math.max(this.#floorMillis, timestampMillis)
      return
    }
  }
}
