/**
 * Latencies in buckets whose bounds grow by a factor, so that a percentile is known within a share of itself, and counts of
 * many masters are one sum. Pure.
 *
 * Source: Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019.
 */

/** A percentile is at most this share away from the latency that has that rank. */
export const latencyErrorMax = 0.02

const growth = (1 + latencyErrorMax) / (1 - latencyErrorMax)
const logarithmOfGrowth = Math.log(growth)
/** 0 is "no time at all"; the last one is for everything beyond some hours. */
const bucketMax = 640

export const bucketOfMicros = (micros: number): number =>
  micros < 1 ? 0 : Math.min(bucketMax, 1 + Math.ceil(Math.log(micros) / logarithmOfGrowth))

/** The latency that stands for all of a bucket, in microseconds. */
export const microsOfBucket = (bucket: number): number =>
  bucket === 0 ? 0 : (2 * growth ** (bucket - 1)) / (growth + 1)

/** How many requests each bucket has. */
export type LatencyCounts = ReadonlyMap<number, number>

export const mergeCounts = (left: LatencyCounts, right: LatencyCounts): LatencyCounts => {
  const merged = new Map(left)
  for (const [bucket, count] of right) merged.set(bucket, (merged.get(bucket) ?? 0) + count)
  return merged
}

/** The latency of the request with that rank, in microseconds; `null` where there is none. */
export const percentileMicros = (counts: LatencyCounts, share: number): number | null => {
  const total = counts.values().reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  const rank = Math.max(1, Math.ceil(share * total))
  let seen = 0
  for (const [bucket, count] of [...counts].toSorted(([left], [right]) => left - right)) {
    seen += count
    if (seen >= rank) return microsOfBucket(bucket)
  }
  return null
}
