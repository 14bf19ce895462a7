/**
 * A message as bytes, and back: what it says as JSON, checked against the schema; what it carries as it is.
 *
 * u32 bytes of the head   head as JSON   entries, a snapshot's bytes, or proposals
 *
 * Numbers are little-endian. Several proposals: u32 bytes   data, one after the other.
 */
import { Data, Schema } from "effect"
import type { Message } from "../core/Message.ts"
import { packEntries, unpackEntries } from "../storage/thread/PackedEntries.ts"
import { ConfigurationSchema, MessageHead } from "./MessageSchema.ts"

/** What a peer sent is no message: it runs another version, or is no peer. The connection ends. */
export class MalformedMessage extends Data.TaggedError("MalformedMessage")<{ readonly cause: unknown }> {
  override get message(): string {
    return `a peer sent what is no message; check that all nodes run compatible versions: ${String(this.cause)}`
  }
}

const lengthBytes = 4
const none = new Uint8Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true })

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const packData = (datas: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(datas.reduce((sum, data) => sum + lengthBytes + data.length, 0))
  const view = viewOf(bytes)
  let at = 0
  for (const data of datas) {
    view.setUint32(at, data.length, true)
    bytes.set(data, at + lengthBytes)
    at += lengthBytes + data.length
  }
  return bytes
}

const unpackData = (bytes: Uint8Array): ReadonlyArray<Uint8Array> => {
  const view = viewOf(bytes)
  const datas: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length;) {
    const end = at + lengthBytes + view.getUint32(at, true)
    if (end > bytes.length) throw new RangeError(`proposal ${datas.length} has no end`)
    datas.push(bytes.subarray(at + lengthBytes, end))
    at = end
  }
  return datas
}

/** This and `join` compile as long as the schema and the core's messages say the same. */
const split = (message: Message): { readonly head: MessageHead; readonly carried: Uint8Array } => {
  switch (message._tag) {
    case "AppendRequest": {
      const { entries, ...head } = message
      return { head, carried: packEntries(entries) }
    }
    case "SnapshotChunk": {
      const { data, ...head } = message
      return { head, carried: data }
    }
    case "ProposeRequest": {
      const { data, ...head } = message
      return { head, carried: packData(data) }
    }
    default:
      return { head: message, carried: none }
  }
}

export const encodeMessage = (message: Message): Uint8Array => {
  const { carried, head } = split(message)
  const json = encoder.encode(JSON.stringify(head))
  const bytes = new Uint8Array(lengthBytes + json.length + carried.length)
  viewOf(bytes).setUint32(0, json.length, true)
  bytes.set(json, lengthBytes)
  bytes.set(carried, lengthBytes + json.length)
  return bytes
}

const decodeHead = Schema.decodeUnknownSync(MessageHead)
const decodeConfigurationJson = Schema.decodeUnknownSync(ConfigurationSchema)

const configurationOf = (bytes: Uint8Array) => decodeConfigurationJson(JSON.parse(decoder.decode(bytes)))

const join = (head: MessageHead, carried: Uint8Array): Message => {
  switch (head._tag) {
    case "AppendRequest":
      return { ...head, entries: unpackEntries(carried, configurationOf) }
    case "SnapshotChunk":
      return { ...head, data: carried }
    case "ProposeRequest":
      return { ...head, data: unpackData(carried) }
    default:
      if (carried.length > 0) throw new RangeError(`${carried.length} bytes too many`)
      return head
  }
}

/** Throws MalformedMessage. What the message carries looks at `bytes`. */
export const decodeMessage = (bytes: Uint8Array): Message => {
  try {
    const end = lengthBytes + viewOf(bytes).getUint32(0, true)
    if (end > bytes.length) throw new RangeError("the head has no end")
    const head = decodeHead(JSON.parse(decoder.decode(bytes.subarray(lengthBytes, end))))
    return join(head, bytes.subarray(end))
  } catch (cause) {
    throw new MalformedMessage({ cause })
  }
}
