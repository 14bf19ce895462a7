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
 * An unanswered read says nothing. Of an unanswered write whose value nobody saw or named it matters only that there was
 * some other value for a while, which can explain a refused compare-and-set; without one it can always be placed last.
 */
const simplify = (history: History<KeyValueInput, KeyValueOutput>): History<KeyValueInput, KeyValueOutput> => {
  const named = new Set<Value>()
  let isRefused = false
  for (const { input, output } of history) {
    if (output?.kind === "get") named.add(output.value)
    if (input.kind === "cas") named.add(input.expected)
    if (output?.kind === "cas" && !output.swapped) isRefused = true
  }
  let unseen = "unseen"
  while (named.has(unseen)) unseen += "'"
  return history.flatMap((operation) => {
    const { input, output } = operation
    if (output !== undefined) return [operation]
    if (input.kind === "get") return []
    if (named.has(input.value)) return [operation]
    return isRefused ? [{ ...operation, input: { ...input, value: unseen } }] : []
  })
}

const inputKey = (input: KeyValueInput): string => {
  switch (input.kind) {
    case "put":
      return `put ${input.value}`
    case "get":
      return "get"
    case "cas":
      return `cas ${input.expected === null ? "-" : `=${input.expected}`} ${input.value}`
  }
}

export const keyValue: Model<Value, KeyValueInput, KeyValueOutput> = {
  initial: null,
  step,
  stateKey: (state) => (state === null ? "-" : `=${state}`),
  keyOf: (input) => input.key,
  inputKey,
  simplify
}
