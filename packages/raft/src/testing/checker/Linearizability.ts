/**
 * Decides whether a history of concurrent operations can be explained by some order of single operations that keeps what
 * clients could observe of real time.
 *
 * The search is Wing and Gong's ("Testing and verifying concurrent objects", 1993): take any operation that no other one
 * precedes, apply it to the model, go on; step back at a contradiction. Lowe's addition ("Testing for linearizability",
 * 2017) makes it practical: a pair of (operations taken, state reached) that was met before is never searched twice.
 * Finding an order is NP-complete, so the work is bounded and `Undecided` is a third, honest answer.
 */

import { partition } from "./History.ts"
import type { History, Model, Operation } from "./History.ts"

export type Verdict<Input, Output> =
  | { readonly _tag: "Linearizable"; readonly steps: number }
  | {
      readonly _tag: "Violation"
      readonly key: string
      readonly steps: number
      /** The longest order found before every continuation contradicted the history. */
      readonly explained: History<Input, Output>
      /** What could not be placed next, each of which was tried. */
      readonly stuckAt: History<Input, Output>
    }
  | { readonly _tag: "Undecided"; readonly key: string; readonly steps: number }

/** An event in a doubly linked list ordered by time: taking an operation unlinks its two events. */
interface Event<Input, Output> {
  readonly operation: Operation<Input, Output>
  readonly id: number
  /** The return event of a call, null for a return and for a call that was never answered. */
  readonly answer: Event<Input, Output> | null
  readonly isCall: boolean
  /**
   * For an operation that was never answered: the one called before it that does the same, which can take its place and
   * therefore always goes first. Otherwise n of them would be searched in 2^n ways.
   */
  readonly goesAfter: number | null
  previous: Event<Input, Output> | null
  next: Event<Input, Output> | null
}

/** A list head whose `next` is the earliest event. At equal times calls come first: such operations are concurrent. */
const link = <State, Input, Output>(
  model: Model<State, Input, Output>,
  history: History<Input, Output>
): Event<Input, Output> | null => {
  const lookalikes = new Map<string, number>()
  const timed: Array<{ readonly time: number; readonly event: Event<Input, Output> }> = []
  const inOrder = history
    .map((operation, id) => ({ operation, id }))
    .sort((a, b) => a.operation.called - b.operation.called)
  for (const { operation, id } of inOrder) {
    const answered = operation.output !== undefined && operation.returned !== Infinity
    const end: Event<Input, Output> | null = answered
      ? { operation, id, answer: null, isCall: false, goesAfter: null, previous: null, next: null }
      : null
    if (end !== null) timed.push({ time: operation.returned, event: end })
    let goesAfter: number | null = null
    if (!answered) {
      const key = model.inputKey(operation.input)
      goesAfter = lookalikes.get(key) ?? null
      lookalikes.set(key, id)
    }
    timed.push({
      time: operation.called,
      event: { operation, id, answer: end, isCall: true, goesAfter, previous: null, next: null }
    })
  }
  timed.sort((a, b) => a.time - b.time || Number(b.event.isCall) - Number(a.event.isCall) || a.event.id - b.event.id)
  let last: Event<Input, Output> | null = null
  for (const { event } of timed) {
    event.previous = last
    if (last !== null) last.next = event
    last = event
  }
  return timed[0]?.event ?? null
}

/** The set of operations taken, with a text that is equal for equal sets. */
class Taken {
  private readonly words: Uint16Array

  constructor(size: number) {
    this.words = new Uint16Array(Math.ceil(size / 16))
  }

  flip(id: number): void {
    const word = id >> 4
    this.words[word] = (this.words[word] ?? 0) ^ (1 << (id & 15))
  }

  has(id: number): boolean {
    return ((this.words[id >> 4] ?? 0) & (1 << (id & 15))) !== 0
  }

  key(): string {
    return String.fromCharCode(...this.words)
  }
}

interface Choice<State, Input, Output> {
  readonly call: Event<Input, Output>
  readonly before: State
}

class Search<State, Input, Output> {
  private readonly head: Event<Input, Output>
  private readonly taken: Taken
  private readonly met = new Set<string>()
  private readonly chosen: Array<Choice<State, Input, Output>> = []
  private readonly model: Model<State, Input, Output>
  private state: State
  private answersLeft: number
  private explained: History<Input, Output> = []
  steps = 0

  constructor(model: Model<State, Input, Output>, history: History<Input, Output>) {
    const first = link(model, history)
    const nothing = { client: "", called: -Infinity, returned: -Infinity, input: undefined as Input, output: undefined }
    this.head = {
      operation: nothing,
      id: -1,
      answer: null,
      isCall: false,
      goesAfter: null,
      previous: null,
      next: first
    }
    if (first !== null) first.previous = this.head
    this.model = model
    this.state = model.initial
    this.taken = new Taken(history.length)
    this.answersLeft = history.filter(({ output }) => output !== undefined).length
  }

  run(stepsMax: number): "Linearizable" | "Violation" | "Undecided" {
    let event = this.head.next
    // Once every answer is explained, the unanswered rest may simply never have happened.
    while (this.answersLeft > 0) {
      if (++this.steps > stepsMax) return "Undecided"
      if (event !== null && event.isCall) {
        event = this.take(event) ? this.head.next : event.next
        continue
      }
      // The end of an operation that is not yet taken, or of the list: nothing else may go first, so the last choice was wrong.
      const choice = this.giveBack()
      if (choice === undefined) return "Violation"
      event = choice.call.next
    }
    return "Linearizable"
  }

  /** The longest order found, and what was to follow it. */
  counterexample(): {
    readonly explained: History<Input, Output>
    readonly stuckAt: History<Input, Output>
  } {
    const explained = new Set(this.explained)
    const left: Array<Operation<Input, Output>> = []
    let earliestEnd = Infinity
    for (let event = this.head.next; event !== null; event = event.next) {
      if (!event.isCall || explained.has(event.operation)) continue
      left.push(event.operation)
      earliestEnd = Math.min(earliestEnd, event.operation.returned)
    }
    return { explained: this.explained, stuckAt: left.filter(({ called }) => called <= earliestEnd) }
  }

  private take(call: Event<Input, Output>): boolean {
    const { operation, goesAfter } = call
    if (goesAfter !== null && !this.taken.has(goesAfter)) return false
    const result = this.model.step(this.state, operation.input, operation.output)
    if (result === undefined) return false
    this.taken.flip(call.id)
    const key = this.taken.key() + this.model.stateKey(result.state)
    if (this.met.has(key)) {
      this.taken.flip(call.id)
      return false
    }
    this.met.add(key)
    this.chosen.push({ call, before: this.state })
    if (this.chosen.length > this.explained.length) this.explained = this.chosen.map((choice) => choice.call.operation)
    this.state = result.state
    unlink(call)
    if (call.answer !== null) {
      unlink(call.answer)
      this.answersLeft--
    }
    return true
  }

  private giveBack(): Choice<State, Input, Output> | undefined {
    const choice = this.chosen.pop()
    if (choice === undefined) return undefined
    const { call } = choice
    this.state = choice.before
    this.taken.flip(call.id)
    if (call.answer !== null) {
      relink(call.answer)
      this.answersLeft++
    }
    relink(call)
    return choice
  }
}

const unlink = <Input, Output>(event: Event<Input, Output>): void => {
  if (event.previous !== null) event.previous.next = event.next
  if (event.next !== null) event.next.previous = event.previous
}

/** Puts back what was unlinked last: its own links still name its neighbours. */
const relink = <Input, Output>(event: Event<Input, Output>): void => {
  if (event.previous !== null) event.previous.next = event
  if (event.next !== null) event.next.previous = event
}

/**
 * Judges a history, key by key. A violation wins over an undecided key.
 *
 * @param stepsMax the work allowed for each key; a step looks at one event of the history.
 */
export const checkLinearizability = <State, Input, Output>(
  model: Model<State, Input, Output>,
  history: History<Input, Output>,
  stepsMax: number
): Verdict<Input, Output> => {
  let steps = 0
  let undecided: string | null = null
  for (const [key, part] of partition(model, history)) {
    const search = new Search(model, model.simplify === undefined ? part : model.simplify(part))
    const outcome = search.run(stepsMax)
    steps += search.steps
    if (outcome === "Violation") return { _tag: "Violation", key, steps, ...search.counterexample() }
    if (outcome === "Undecided") undecided ??= key
  }
  return undecided === null ? { _tag: "Linearizable", steps } : { _tag: "Undecided", key: undecided, steps }
}
