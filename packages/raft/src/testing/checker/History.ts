/**
 * What clients asked and what they were told, in the order in which an observer outside of the system saw it.
 *
 * Times are any numbers that grow: event numbers of a simulator, or nanoseconds. An operation precedes another when its
 * `returned` is less than the other's `called`; everything else is concurrent (Herlihy and Wing, "Linearizability", 1990).
 */
export interface Operation<Input, Output> {
  readonly client: string
  readonly called: number
  /** Infinity when the answer never came: the operation may have happened at any time since, or never. */
  readonly returned: number
  readonly input: Input
  /** Undefined exactly when `returned` is infinite. */
  readonly output: Output | undefined
}

export type History<Input, Output> = ReadonlyArray<Operation<Input, Output>>

/**
 * What one object may do. Where histories of several objects are mixed, `keyOf` tells them apart: a history is
 * linearizable exactly when the part of each object is (the locality theorem of the paper above).
 */
export interface Model<State, Input, Output> {
  readonly initial: State
  /** The state after, or undefined when this output is impossible here. An unknown output is always possible. */
  readonly step: (state: State, input: Input, output: Output | undefined) => { readonly state: State } | undefined
  /** The same text for equal states, and only for those. */
  readonly stateKey: (state: State) => string
  readonly keyOf: (input: Input) => string
  /** The same text for inputs that do the same. */
  readonly inputKey: (input: Input) => string
  /** Leaves out or simplifies what cannot change the verdict, so that unknown outcomes do not multiply the work. */
  readonly simplify?: (history: History<Input, Output>) => History<Input, Output>
}

/** One history per key, in the order of first use. */
export const partition = <State, Input, Output>(
  model: Model<State, Input, Output>,
  history: History<Input, Output>
): ReadonlyMap<string, History<Input, Output>> => {
  const parts = new Map<string, Array<Operation<Input, Output>>>()
  for (const operation of history) {
    const key = model.keyOf(operation.input)
    const part = parts.get(key)
    if (part === undefined) parts.set(key, [operation])
    else part.push(operation)
  }
  return parts
}
