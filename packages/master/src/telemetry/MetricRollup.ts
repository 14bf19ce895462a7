/**
 * How samples become fewer (OB): all of a minute, and all of an hour, are one row each. Pure.
 *
 * A rollup holds how many samples, their sum, least and greatest, and the first and the last by time. It is the same whatever the
 * order in which samples come and however they were grouped before (`mergedRollups` is associative and commutative), so that
 * late samples of an agent that was alone change only their own rows.
 */
export const minuteMillis = 60_000
export const hourMillis = 3_600_000

export interface MetricPoint {
  readonly atMillis: number
  readonly value: number
}

export interface Rollup {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly firstAt: number
  readonly first: number
  readonly lastAt: number
  readonly last: number
}

/** When the step begins that a time belongs to. */
export const stepStart = (atMillis: number, stepMillis: number): number =>
  Math.floor(atMillis / stepMillis) * stepMillis

export const rollupOf = ({ atMillis, value }: MetricPoint): Rollup => ({
  count: 1,
  sum: value,
  min: value,
  max: value,
  firstAt: atMillis,
  first: value,
  lastAt: atMillis,
  last: value
})

/** Of two that hold different samples, in any order. A series has one sample at a time. */
export const mergedRollups = (a: Rollup, b: Rollup): Rollup => {
  const [earlier, later] = [b.firstAt < a.firstAt ? b : a, b.lastAt > a.lastAt ? b : a]
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    firstAt: earlier.firstAt,
    first: earlier.first,
    lastAt: later.lastAt,
    last: later.last
  }
}

/** The steps that the points belong to, by their beginning. */
export const rolledUp = (points: ReadonlyArray<MetricPoint>, stepMillis: number): ReadonlyMap<number, Rollup> => {
  const steps = new Map<number, Rollup>()
  for (const point of points) {
    const at = stepStart(point.atMillis, stepMillis)
    const one = rollupOf(point)
    const before = steps.get(at)
    steps.set(at, before === undefined ? one : mergedRollups(before, one))
  }
  return steps
}

/**
 * By how much a counter rose within a rollup, after `before`, its last value of the one before it (`null`: not known, so that the rise
 * begins with the rollup's own first). A counter that falls began at zero again, as in Prometheus; with several such
 * beginnings within one rollup, only what the greatest and the last value prove is counted.
 */
export const riseOf = ({ first, last, max }: Rollup, before: number | null): number => {
  const from = before ?? first
  // It began at zero again between the two, or it did not.
  const base = first >= from ? from : 0
  return last >= max ? last - base : max - base + last
}

export const resolutions = ["raw", "minute", "hour"] as const
export type Resolution = (typeof resolutions)[number]

export interface ResolutionAges {
  readonly rawMillis: number
  readonly minuteMillis: number
}

/**
 * Where to read: as coarse as the step allows, and as fine as is still kept for the whole range. A step finer than what is kept
 * answers what there is.
 */
export const resolutionFor = (
  { fromMillis, nowMillis, stepMillis }: { fromMillis: number; nowMillis: number; stepMillis: number },
  kept: ResolutionAges
): Resolution => {
  const age = nowMillis - fromMillis
  if (stepMillis >= hourMillis || age > kept.minuteMillis) return "hour"
  return stepMillis >= minuteMillis || age > kept.rawMillis ? "minute" : "raw"
}
