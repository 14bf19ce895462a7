/** The commands and questions of the simulated state machine, and its answers, as short texts in bytes. */

import type { KeyValueInput, KeyValueOutput } from "../checker/KeyValue.ts"

const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

const textOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

const optional = (value: string | null): string => (value === null ? "-" : `=${value}`)
const fromOptional = (text: string): string | null => (text === "-" ? null : text.slice(1))

export const encodeInput = (input: KeyValueInput): Uint8Array => {
  switch (input.kind) {
    case "get":
      return bytesOf(`get ${input.key}`)
    case "put":
      return bytesOf(`put ${input.key} ${input.value}`)
    case "cas":
      return bytesOf(`cas ${input.key} ${optional(input.expected)} ${input.value}`)
  }
}

export const decodeInput = (bytes: Uint8Array): KeyValueInput => {
  const [kind = "", key = "", first = "", second = ""] = textOf(bytes).split(" ")
  switch (kind) {
    case "get":
      return { kind, key }
    case "put":
      return { kind, key, value: first }
    case "cas":
      return { kind, key, expected: fromOptional(first), value: second }
    default:
      throw new Error(`not a command of the simulation: ${textOf(bytes)}`)
  }
}

export const encodeOutput = (output: KeyValueOutput): Uint8Array => {
  switch (output.kind) {
    case "get":
      return bytesOf(`get ${optional(output.value)}`)
    case "put":
      return bytesOf("put")
    case "cas":
      return bytesOf(output.swapped ? "cas yes" : "cas no")
  }
}

export const decodeOutput = (bytes: Uint8Array): KeyValueOutput => {
  const [kind = "", rest = ""] = textOf(bytes).split(" ")
  switch (kind) {
    case "get":
      return { kind, value: fromOptional(rest) }
    case "put":
      return { kind }
    case "cas":
      return { kind, swapped: rest === "yes" }
    default:
      throw new Error(`not an answer of the simulation: ${textOf(bytes)}`)
  }
}

/** Every write of a run has a value of its own, which names it. */
export const writeOf = (input: KeyValueInput): string | null => (input.kind === "get" ? null : input.value)
