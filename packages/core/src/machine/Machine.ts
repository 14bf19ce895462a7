/**
 * A state machine as a value: a pure step from a state and an event to the next state and what must be done about it.
 * Time and randomness come in with events, effects go out as data, so that every edge can be tested without either.
 */

export interface Step<State, Output> {
  readonly state: State
  /** In the order in which they must be done. */
  readonly outputs: ReadonlyArray<Output>
}

export interface Machine<State, Event, Output> {
  readonly initial: State
  readonly step: (state: State, event: Event) => Step<State, Output>
}

/** An event that means nothing in this state. */
export const unchanged = <State>(state: State): Step<State, never> => ({ state, outputs: [] })

export const to = <State, Output>(state: State, ...outputs: ReadonlyArray<Output>): Step<State, Output> => ({
  state,
  outputs
})

/** Where a sequence of events leads from the initial state, and all that it asked for on the way. */
export const replay = <State, Event, Output>(
  machine: Machine<State, Event, Output>,
  events: Iterable<Event>
): Step<State, Output> => {
  let state = machine.initial
  const outputs: Array<Output> = []
  for (const event of events) {
    const step = machine.step(state, event)
    state = step.state
    outputs.push(...step.outputs)
  }
  return { state, outputs }
}
