/** Latencies from 10 microseconds to ten minutes in buckets that are 1 % apart, so that a run of any length takes the same memory. */

const bucketRatio = 1.01
const smallestMicros = 10
const bucketCount = 1_800

export class LatencyHistogram {
  private readonly buckets = new Uint32Array(bucketCount)
  private total = 0
  private largestMillis = 0

  add(millis: number): void {
    const steps = Math.log(Math.max((millis * 1_000) / smallestMicros, 1)) / Math.log(bucketRatio)
    const bucket = Math.min(bucketCount - 1, Math.floor(steps))
    this.buckets[bucket] = this.buckets[bucket]! + 1
    this.total += 1
    if (millis > this.largestMillis) this.largestMillis = millis
  }

  get count(): number {
    return this.total
  }

  get maxMillis(): number {
    return this.largestMillis
  }

  /** NaN when nothing was measured. */
  percentileMillis(share: number): number {
    let below = 0
    for (const [bucket, count] of this.buckets.entries()) {
      below += count
      if (count > 0 && below >= share * this.total) return (smallestMicros * bucketRatio ** (bucket + 0.5)) / 1_000
    }
    return Number.NaN
  }
}
