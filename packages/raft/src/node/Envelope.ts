/**
 * What a command of the log carries besides the state machine's own bytes: who proposed it, so that it is executed once,
 * and when its leader appended it.
 *
 * ```
 * 0 u8 1   1 nonce, UTF-8                                                       opens a session
 * 0 u8 2   1 u64 session   9 u64 serial   17 u64 acknowledged   25 u64 millis   33 data          a command of a session
 * ```
 *
 * Numbers are little-endian. A byte above 2 is for versions to come.
 */
import { Limits } from "../Limits.ts"
import { readUint64, viewOf, writeUint64 } from "../storage/log/RecordFormat.ts"
import type { SessionId } from "./Sessions.ts"
import { Slab } from "./Slab.ts"

/** The index of its entry becomes the session's id. `nonce`: by this whoever asked finds the entry; not empty, and unique. */
export interface OpenSession {
  readonly kind: "OpenSession"
  readonly nonce: string
}

export interface SessionCommand {
  readonly kind: "Command"
  readonly session: SessionId
  /** From 1. */
  readonly serial: number
  /** Whoever proposes has the answers to all serials below: at most `serial`. */
  readonly acknowledged: number
  /** Milliseconds since 1970, whole: when the leader appended it, by its clock. 0 on the way to the leader. */
  readonly millis: number
  readonly data: Uint8Array
}

export type Envelope = OpenSession | SessionCommand

const kinds = { OpenSession: 1, Command: 2 } as const
const millisAt = 25
const headBytes = 33
const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** What a command's data grows by. */
export const envelopeBytes = headBytes

/** For proposals, which live until they are committed. */
const proposed = new Slab(Limits.node.envelopeSlabBytes)
/** For the log's entries, which leave it in their order. */
const appended = new Slab(Limits.node.envelopeSlabBytes)

export const encodeEnvelope = (envelope: Envelope): Uint8Array => {
  if (envelope.kind === "OpenSession") {
    const nonce = encoder.encode(envelope.nonce)
    const bytes = new Uint8Array(1 + nonce.length)
    bytes[0] = kinds.OpenSession
    bytes.set(nonce, 1)
    return bytes
  }
  const bytes = proposed.take(headBytes + envelope.data.length)
  const view = viewOf(bytes)
  bytes[0] = kinds.Command
  writeUint64(view, 1, envelope.session)
  writeUint64(view, 9, envelope.serial)
  writeUint64(view, 17, envelope.acknowledged)
  writeUint64(view, millisAt, envelope.millis)
  bytes.set(envelope.data, headBytes)
  return bytes
}

/**
 * The same at another time: a copy, for the bytes as they were may be in a log or on their way to another node. What
 * carries no time comes back as it is.
 */
export const stampEnvelope = (bytes: Uint8Array, millis: number): Uint8Array => {
  if (bytes[0] !== kinds.Command || bytes.length < headBytes) return bytes
  const stamped = appended.take(bytes.length)
  stamped.set(bytes)
  writeUint64(viewOf(stamped), millisAt, millis)
  return stamped
}

/** `null`: no envelope. That depends on nothing but the bytes, so all nodes agree. The data looks at `bytes`. */
export const decodeEnvelope = (bytes: Uint8Array): Envelope | null => {
  switch (bytes[0]) {
    case kinds.OpenSession:
      return decodeOpenSession(bytes.subarray(1))
    case kinds.Command:
      return bytes.length < headBytes ? null : decodeCommand(bytes)
    default:
      return null
  }
}

const decodeOpenSession = (bytes: Uint8Array): OpenSession | null => {
  if (bytes.length === 0) return null
  try {
    return { kind: "OpenSession", nonce: decoder.decode(bytes) }
  } catch {
    // Not UTF-8: the answer is that it is no envelope.
    return null
  }
}

const decodeCommand = (bytes: Uint8Array): SessionCommand | null => {
  const view = viewOf(bytes)
  const session = readUint64(view, 1)
  const serial = readUint64(view, 9)
  const acknowledged = readUint64(view, 17)
  const millis = readUint64(view, millisAt)
  const isSound = [session, serial, millis].every(Number.isSafeInteger) && acknowledged <= serial
  if (!isSound || session === 0 || serial === 0) return null
  return { kind: "Command", session, serial, acknowledged, millis, data: bytes.subarray(headBytes) }
}
