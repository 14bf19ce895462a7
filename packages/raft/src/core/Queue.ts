/**
 * First in, first out, as a value: a persistent view over a shared array, as the log is. The newest view extends the array in
 * place, which older views do not see. So a thousand proposals or reads that wait cost each step no more than one does.
 */
export interface Queue<A> {
  readonly start: number
  readonly end: number
  /** Grows only at its end. */
  readonly backing: Array<A>
}

export const emptyQueue: Queue<never> = { start: 0, end: 0, backing: [] }

export const queueSize = ({ start, end }: Queue<unknown>): number => end - start

export const queueItems = <A>({ start, end, backing }: Queue<A>): ReadonlyArray<A> => backing.slice(start, end)

export const queueOf = <A>(items: ReadonlyArray<A>): Queue<A> =>
  items.length === 0 ? emptyQueue : { start: 0, end: items.length, backing: [...items] }

export const enqueue = <A>(queue: Queue<A>, item: A): Queue<A> => {
  const { start, end, backing } = queue
  if (start === end) return { start: 0, end: 1, backing: [item] }
  // What left the queue goes when it is at least half: so the copies cost no more than what was put in.
  if (end !== backing.length || end - start <= start)
    return { start: 0, end: end - start + 1, backing: [...queueItems(queue), item] }
  backing.push(item)
  return { start, end: end + 1, backing }
}

/** Those at the front that `isTaken` holds for, and the rest. */
export const dequeueWhile = <A>(
  queue: Queue<A>,
  isTaken: (item: A) => boolean
): readonly [taken: ReadonlyArray<A>, rest: Queue<A>] => {
  const { start, end, backing } = queue
  let next = start
  while (next < end && isTaken(backing[next] as A)) next++
  if (next === start) return [[], queue]
  return [backing.slice(start, next), next === end ? emptyQueue : { start: next, end, backing }]
}
