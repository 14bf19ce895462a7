/**
 * What a command of the log carries besides the state machine's own bytes: who proposed it, so that it is executed once.
 *
 * ```
 * 0 u8 1   1 nonce, UTF-8                                                       opens a session
 * 0 u8 2   1 u64 session   9 u64 serial   17 u64 acknowledged   25 data          a command of a session
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
  readonly data: Uint8Array
}

export type Envelope = OpenSession | SessionCommand

const kinds = { OpenSession: 1, Command: 2 } as const
const headBytes = 25
const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** What a command's data grows by. */
export const envelopeBytes = headBytes

/** For the log's entries, which leave it in their order. */
const slab = new Slab(Limits.node.envelopeSlabBytes)

export const encodeEnvelope = (envelope: Envelope): Uint8Array => {
  if (envelope.kind === "OpenSession") {
    const nonce = encoder.encode(envelope.nonce)
    const bytes = new Uint8Array(1 + nonce.length)
    bytes[0] = kinds.OpenSession
    bytes.set(nonce, 1)
    return bytes
  }
  const bytes = slab.take(headBytes + envelope.data.length)
  const view = viewOf(bytes)
  bytes[0] = kinds.Command
  writeUint64(view, 1, envelope.session)
  writeUint64(view, 9, envelope.serial)
  writeUint64(view, 17, envelope.acknowledged)
  bytes.set(envelope.data, headBytes)
  return bytes
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
  const isSound = Number.isSafeInteger(session) && Number.isSafeInteger(serial) && acknowledged <= serial
  if (!isSound || session === 0 || serial === 0) return null
  return { kind: "Command", session, serial, acknowledged, data: bytes.subarray(headBytes) }
}
