/**
 * The buckets of this process, by name. Bounded: the one that was asked for longest ago is forgotten first, which is what it had
 * left anyway, unless somebody comes from very many addresses at once; then each of them costs one entry and no more.
 */
import type { RateLimit } from "@nxmesh/protocol/model/NetworkSettings"
import { take, type Taking } from "./TokenBucket.ts"

export class Buckets {
  readonly #bucketsMax: number
  /** When each is full again, the one that was asked for last at the end. */
  readonly #fullAt = new Map<string, number>()

  constructor(bucketsMax: number) {
    this.#bucketsMax = bucketsMax
  }

  take(name: string, limit: RateLimit, nowMillis: number): Taking {
    const taking = take(limit, this.#fullAt.get(name), nowMillis)
    this.#fullAt.delete(name)
    this.#fullAt.set(name, taking.fullAtMillis)
    if (this.#fullAt.size > this.#bucketsMax) {
      for (const oldest of this.#fullAt.keys()) {
        this.#fullAt.delete(oldest)
        break
      }
    }
    return taking
  }

  get size(): number {
    return this.#fullAt.size
  }
}
