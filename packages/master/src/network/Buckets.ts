/**
 * The buckets of this process, by name. Bounded, in two generations: what was asked for since the last turn, and before it. A turn
 * forgets the older one at once, which costs nothing while somebody comes from very many addresses; to take the oldest out of a
 * Map one by one would cost each of them a walk over what was taken out before.
 */
import type { RateLimit } from "@nxmesh/protocol/model/NetworkSettings"
import { take, type Taking } from "./TokenBucket.ts"

export class Buckets {
  readonly #generationMax: number
  /** When each is full again. */
  #younger = new Map<string, number>()
  #older: ReadonlyMap<string, number> = new Map()

  /** At least half of `bucketsMax` are remembered, and never more. */
  constructor(bucketsMax: number) {
    this.#generationMax = Math.max(1, Math.floor(bucketsMax / 2))
  }

  take(name: string, limit: RateLimit, nowMillis: number): Taking {
    const taking = take(limit, this.#younger.get(name) ?? this.#older.get(name), nowMillis)
    if (this.#younger.size >= this.#generationMax && !this.#younger.has(name)) {
      this.#older = this.#younger
      this.#younger = new Map()
    }
    this.#younger.set(name, taking.fullAtMillis)
    return taking
  }

  /** Counts what is in both generations twice. */
  get size(): number {
    return this.#younger.size + this.#older.size
  }
}
