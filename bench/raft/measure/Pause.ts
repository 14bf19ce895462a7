/** What clients notice of a change of leaders: the longest stretch without an acknowledgement. */

export interface Pause {
  readonly fromMillis: number
  readonly toMillis: number
}

/** The longest stretch that ends after `sinceMillis`, of answers in the order of their time. */
export const longestPause = (answeredAt: ReadonlyArray<number>, sinceMillis: number): Pause | null => {
  let longest: Pause | null = null
  let before = sinceMillis
  for (const at of answeredAt) {
    if (at <= sinceMillis) continue
    if (longest === null || at - before > longest.toMillis - longest.fromMillis) {
      longest = { fromMillis: before, toMillis: at }
    }
    before = at
  }
  return longest
}
