import type { History, Model } from "../../src/testing/checker/History.ts"

/** The definition itself: some subset with every answered operation, in some order that keeps real time, fits the model. */
export const isLinearizable = <State, Input, Output>(
  model: Model<State, Input, Output>,
  history: History<Input, Output>
): boolean => {
  const search = (state: State, left: History<Input, Output>): boolean => {
    if (left.every(({ output }) => output === undefined)) return true
    return left.some((operation) => {
      if (left.some((other) => other !== operation && other.returned < operation.called)) return false
      const result = model.step(state, operation.input, operation.output)
      return (
        result !== undefined &&
        search(
          result.state,
          left.filter((other) => other !== operation)
        )
      )
    })
  }
  return search(model.initial, history)
}
