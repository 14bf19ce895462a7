/**
 * The commands of the key-value state machines, which are their questions too (only `get`, as a question), and the results.
 *
 * ```
 * command   0 u8 kind   1 u16 bytes of the key   3 key, UTF-8   value
 * of a cas              before the value: u32 bytes of what is expected (2^32 - 1: nothing)   what is expected
 * result    0 u8 kind   of a get: u8 whether there is a value, value   of a cas: u8 whether it was swapped
 * ```
 *
 * Numbers are little-endian.
 */
import { viewOf } from "../../storage/log/RecordFormat.ts"
import type { KeyValueInput, KeyValueOutput } from "../checker/KeyValue.ts"

export type KeyValueCommand = KeyValueInput | { readonly kind: "delete"; readonly key: string }

/** `invalid`: the bytes were no command. */
export type KeyValueResult = KeyValueOutput | { readonly kind: "delete" } | { readonly kind: "invalid" }

/** A command as the state machines take it: values are bytes. Decoded ones look at the command's. */
export type Operation =
  | { readonly kind: "put"; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "get" | "delete"; readonly key: string }
  | { readonly kind: "cas"; readonly key: string; readonly expected: Uint8Array | null; readonly value: Uint8Array }

export const Kind = { invalid: 0, put: 1, get: 2, cas: 3, delete: 4 } as const

const headBytes = 3
const lengthBytes = 4
const nothing = 0xffff_ffff
const none = new Uint8Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

export const encodeOperation = (operation: Operation): Uint8Array<ArrayBuffer> => {
  const key = encoder.encode(operation.key)
  if (key.length > 0xffff) throw new RangeError("a key has more than 65,535 bytes")
  const value = operation.kind === "put" || operation.kind === "cas" ? operation.value : none
  const expected = operation.kind === "cas" ? operation.expected : null
  const middle = operation.kind === "cas" ? lengthBytes + (expected?.length ?? 0) : 0
  const bytes = new Uint8Array(headBytes + key.length + middle + value.length)
  const view = viewOf(bytes)
  const end = headBytes + key.length
  bytes[0] = Kind[operation.kind]
  view.setUint16(1, key.length, true)
  bytes.set(key, headBytes)
  if (operation.kind === "cas") view.setUint32(end, expected?.length ?? nothing, true)
  if (expected !== null) bytes.set(expected, end + lengthBytes)
  bytes.set(value, end + middle)
  return bytes
}

/** As `encodeOperation`, for texts. */
export const encodeCommand = (command: KeyValueCommand): Uint8Array<ArrayBuffer> => {
  switch (command.kind) {
    case "put":
      return encodeOperation({ ...command, value: encoder.encode(command.value) })
    case "cas": {
      const expected = command.expected === null ? null : encoder.encode(command.expected)
      return encodeOperation({ ...command, expected, value: encoder.encode(command.value) })
    }
    default:
      return encodeOperation(command)
  }
}

/** `null`: no command. */
export const decodeCommand = (bytes: Uint8Array): Operation | null => {
  if (bytes.length < headBytes) return null
  const end = headBytes + (bytes[1] as number) + 256 * (bytes[2] as number)
  if (end > bytes.length) return null
  const key = decoder.decode(bytes.subarray(headBytes, end))
  switch (bytes[0]) {
    case Kind.put:
      return { kind: "put", key, value: bytes.subarray(end) }
    case Kind.get:
      return { kind: "get", key }
    case Kind.delete:
      return { kind: "delete", key }
    case Kind.cas:
      return decodeSwap(key, bytes.subarray(end))
    default:
      return null
  }
}

const decodeSwap = (key: string, rest: Uint8Array): Operation | null => {
  if (rest.length < lengthBytes) return null
  const length = viewOf(rest).getUint32(0, true)
  if (length === nothing) return { kind: "cas", key, expected: null, value: rest.subarray(lengthBytes) }
  const end = lengthBytes + length
  if (end > rest.length) return null
  return { kind: "cas", key, expected: rest.subarray(lengthBytes, end), value: rest.subarray(end) }
}

/** Throws RangeError when it is no result. */
export const decodeResult = (bytes: Uint8Array): KeyValueResult => {
  switch (bytes[0]) {
    case Kind.invalid:
      return { kind: "invalid" }
    case Kind.put:
      return { kind: "put" }
    case Kind.get:
      return { kind: "get", value: bytes[1] === 1 ? decoder.decode(bytes.subarray(2)) : null }
    case Kind.cas:
      return { kind: "cas", swapped: bytes[1] === 1 }
    case Kind.delete:
      return { kind: "delete" }
    default:
      throw new RangeError("these bytes are no result of the key-value state machine")
  }
}
