/**
 * Registers by key with put, get and compare-and-set: the smallest model that shows lost updates, stale reads and double
 * application. Values are texts; null is "never written".
 */

import type { History, Model } from "./History.ts"

export type KeyValueInput =
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  | { readonly kind: "get"; readonly key: string }
  | { readonly kind: "cas"; readonly key: string; readonly expected: string | null; readonly value: string }

export type KeyValueOutput =
  | { readonly kind: "put" }
  | { readonly kind: "get"; readonly value: string | null }
  | { readonly kind: "cas"; readonly swapped: boolean }

type Value = string | null

const step = (state: Value, input: KeyValueInput, output: KeyValueOutput | undefined): { state: Value } | undefined => {
  if (output !== undefined && output.kind !== input.kind) return undefined
  switch (input.kind) {
    case "put":
      return { state: input.value }
    case "get":
      return output === undefined || (output.kind === "get" && output.value === state) ? { state } : undefined
    case "cas": {
      const swapped = state === input.expected
      if (output !== undefined && output.kind === "cas" && output.swapped !== swapped) return undefined
      return { state: swapped ? input.value : state }
    }
  }
}

/**
 * An unanswered read says nothing. An unanswered write whose value nobody saw or named can always be placed last, unless a
 * refused compare-and-set may need it: that one's refusal can only be explained by some value in between.
 */
const relevant = (history: History<KeyValueInput, KeyValueOutput>): History<KeyValueInput, KeyValueOutput> => {
  const named = new Set<Value>()
  let refused = false
  for (const { input, output } of history) {
    if (output?.kind === "get") named.add(output.value)
    if (input.kind === "cas") named.add(input.expected)
    if (output?.kind === "cas" && !output.swapped) refused = true
  }
  return history.filter(
    ({ input, output }) => output !== undefined || (input.kind !== "get" && (refused || named.has(input.value)))
  )
}

export const keyValue: Model<Value, KeyValueInput, KeyValueOutput> = {
  initial: null,
  step,
  stateKey: (state) => (state === null ? "-" : `=${state}`),
  keyOf: (input) => input.key,
  relevant
}
