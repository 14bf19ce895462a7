/** What the commands of the key-value state machines do, wherever the values are kept. */
import { decodeCommand, Kind } from "./KeyValueCommand.ts"
import type { Operation } from "./KeyValueCommand.ts"

export interface Registers {
  readonly get: (key: string) => Uint8Array | null
  readonly set: (key: string, value: Uint8Array) => void
  readonly remove: (key: string) => void
}

const invalid = Uint8Array.of(Kind.invalid)
const put = Uint8Array.of(Kind.put)
const removed = Uint8Array.of(Kind.delete)
const swapped = Uint8Array.of(Kind.cas, 1)
const notSwapped = Uint8Array.of(Kind.cas, 0)
const absent = Uint8Array.of(Kind.get, 0)

const isSame = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0

const found = (value: Uint8Array | null): Uint8Array => {
  if (value === null) return absent
  const result = new Uint8Array(2 + value.length)
  result[0] = Kind.get
  result[1] = 1
  result.set(value, 2)
  return result
}

/** Executes a command; returns its result. What is no command does nothing, and says so. */
export const execute = (registers: Registers, command: Uint8Array): Uint8Array => {
  const operation: Operation | null = decodeCommand(command)
  switch (operation?.kind) {
    case undefined:
      return invalid
    case "put":
      registers.set(operation.key, operation.value)
      return put
    case "get":
      return found(registers.get(operation.key))
    case "delete":
      registers.remove(operation.key)
      return removed
    case "cas":
      if (!isSame(registers.get(operation.key), operation.expected)) return notSwapped
      registers.set(operation.key, operation.value)
      return swapped
  }
}

/** Answers a question: only `get` is one. */
export const answer = (registers: Registers, question: Uint8Array): Uint8Array =>
  question[0] === Kind.get ? execute(registers, question) : invalid
