/**
 * Many messages between the Raft thread and the host's as one block of bytes, which moves without a copy. Those that come
 * ten thousands of times a second, and those with data (a clone of a part takes the whole of its buffer along), have a
 * form in bytes; the others are cloned as they are.
 */
import { packEntries, unpackEntries } from "../../storage/thread/PackedEntries.ts"
import { ByteReader } from "../../transport/binary/ByteReader.ts"
import { ByteWriter } from "../../transport/binary/ByteWriter.ts"
import type { HostMessage, HostRequest, Outcome, Rejection, Waiter } from "../HostMessage.ts"

export interface Packet<Message> {
  /** For each message: u8 kind, and what the kind says. Of exactly its own buffer. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Those of kind `Cloned`, in their order. */
  readonly cloned: ReadonlyArray<Message>
}

const Kind = {
  Cloned: 0,
  Propose: 1,
  Read: 2,
  Applied: 3,
  Answers: 4,
  SnapshotChunk: 5,
  Apply: 6,
  Confirmed: 7,
  Query: 8,
  SnapshotData: 9
} as const

const writer = new ByteWriter()

const pack = <Message>(messages: ReadonlyArray<Message>, write: (message: Message) => boolean): Packet<Message> => {
  const cloned = messages.filter((message) => {
    const isCloned = !write(message)
    if (isCloned) writer.uint8(Kind.Cloned)
    return isCloned
  })
  const bytes = new Uint8Array(writer.bytes)
  let at = 0
  for (const piece of writer.take()) {
    bytes.set(piece, at)
    at += piece.length
  }
  return { bytes, cloned }
}

const unpack = <Message>(
  { bytes, cloned }: Packet<Message>,
  read: (kind: number, reader: ByteReader) => Message
): ReadonlyArray<Message> => {
  const reader = new ByteReader(bytes)
  const messages: Array<Message> = []
  let taken = 0
  while (reader.left > 0) {
    const kind = reader.uint8()
    messages.push(kind === Kind.Cloned ? (cloned[taken++] as Message) : read(kind, reader))
  }
  return messages
}

const writeList = <A>(items: ReadonlyArray<A>, write: (item: A) => void): void => {
  writer.uint32(items.length)
  for (const item of items) write(item)
}

const readList = <A>(reader: ByteReader, read: () => A): ReadonlyArray<A> => {
  const items: Array<A> = []
  for (let left = reader.uint32(); left > 0; left--) items.push(read())
  return items
}

const outcomeTags = ["Applied", "SessionExpired", "AnswerForgotten", "TooManyAnswers"] as const

const writeOutcome = (outcome: Outcome): void => {
  writer.uint8(outcomeTags.indexOf(outcome._tag))
  writer.float64(outcome.index)
  if (outcome._tag === "Applied") writer.data(outcome.result)
}

const readOutcome = (reader: ByteReader): Outcome => {
  const _tag = outcomeTags[reader.uint8()] ?? "Applied"
  const index = reader.float64()
  return _tag === "Applied" ? { _tag, index, result: reader.data() } : { _tag, index }
}

/** To the Raft thread. */
export const packMessages = (messages: ReadonlyArray<HostMessage>): Packet<HostMessage> => pack(messages, writeMessage)

export const unpackMessages = (packet: Packet<HostMessage>): ReadonlyArray<HostMessage> => unpack(packet, readMessage)

/** Whether this kind has a form in bytes. */
const writeMessage = (message: HostMessage): boolean => {
  switch (message.kind) {
    case "propose":
      writer.uint8(Kind.Propose)
      writer.float64(message.request)
      writer.float64(message.timeoutMillis)
      writer.data(message.data)
      return true
    case "read":
      writer.uint8(Kind.Read)
      writer.float64(message.request)
      writer.float64(message.timeoutMillis)
      return true
    case "applied":
      writer.uint8(Kind.Applied)
      writer.float64(message.index)
      writeList(message.outcomes, ({ call, outcome }) => {
        writer.float64(call)
        writeOutcome(outcome)
      })
      writeList(message.rejected, ({ outcome, request }) => {
        writer.float64(request)
        writeOutcome(outcome)
      })
      return true
    case "answers":
      writer.uint8(Kind.Answers)
      writeList(message.answers, ({ call, data, index }) => {
        writer.float64(call)
        writer.float64(index)
        writer.data(data)
      })
      return true
    case "snapshotChunk":
      writer.uint8(Kind.SnapshotChunk)
      writer.float64(message.offset)
      writer.data(message.data)
      return true
    default:
      return false
  }
}

const readMessage = (kind: number, reader: ByteReader): HostMessage => {
  switch (kind) {
    case Kind.Propose: {
      const request = reader.float64()
      const timeoutMillis = reader.float64()
      return { kind: "propose", request, timeoutMillis, data: reader.data() }
    }
    case Kind.Read:
      return { kind: "read", request: reader.float64(), timeoutMillis: reader.float64() }
    case Kind.Applied: {
      const index = reader.float64()
      const outcomes = readList(reader, () => ({ call: reader.float64(), outcome: readOutcome(reader) }))
      const rejected = readList(reader, () => ({
        request: reader.float64(),
        outcome: readOutcome(reader) as Rejection
      }))
      return { kind: "applied", index, outcomes, rejected }
    }
    case Kind.Answers: {
      const answers = readList(reader, () => ({
        call: reader.float64(),
        index: reader.float64(),
        data: reader.data()
      }))
      return { kind: "answers", answers }
    }
    case Kind.SnapshotChunk:
      return { kind: "snapshotChunk", offset: reader.float64(), data: reader.data() }
    default:
      throw new RangeError(`the host sends no message of kind ${kind}`)
  }
}

/** From the Raft thread. */
export const packRequests = (requests: ReadonlyArray<HostRequest>): Packet<HostRequest> => pack(requests, writeRequest)

/** The data of entries looks at the packet's bytes: whoever keeps some of it copies it. */
export const unpackRequests = (packet: Packet<HostRequest>): ReadonlyArray<HostRequest> => unpack(packet, readRequest)

const writeRequest = (request: HostRequest): boolean => {
  switch (request.kind) {
    case "apply":
      writer.uint8(Kind.Apply)
      writer.data(packEntries(request.entries))
      writeList(request.waiters, writeWaiter)
      return true
    case "read":
      writer.uint8(Kind.Confirmed)
      writer.float64(request.request)
      writer.float64(request.index)
      return true
    case "query":
      writer.uint8(Kind.Query)
      writer.float64(request.index)
      writeList(request.questions, ({ call, data }) => {
        writer.float64(call)
        writer.data(data)
      })
      return true
    case "snapshotData":
      writer.uint8(Kind.SnapshotData)
      writer.data(request.data)
      return true
    default:
      return false
  }
}

const writeWaiter = ({ id, index, to }: Waiter): void => {
  writer.uint8(to === "host" ? 0 : 1)
  writer.float64(index)
  writer.float64(id)
}

const readWaiter = (reader: ByteReader): Waiter => ({
  to: reader.uint8() === 0 ? "host" : "call",
  index: reader.float64(),
  id: reader.float64()
})

const readRequest = (kind: number, reader: ByteReader): HostRequest => {
  switch (kind) {
    case Kind.Apply: {
      const entries = unpackEntries(reader.data())
      return { kind: "apply", entries, waiters: readList(reader, () => readWaiter(reader)) }
    }
    case Kind.Confirmed:
      return { kind: "read", request: reader.float64(), index: reader.float64() }
    case Kind.Query: {
      const index = reader.float64()
      const questions = readList(reader, () => ({ call: reader.float64(), data: reader.data() }))
      return { kind: "query", index, questions }
    }
    case Kind.SnapshotData:
      return { kind: "snapshotData", data: reader.data() }
    default:
      throw new RangeError(`the Raft thread sends no request of kind ${kind}`)
  }
}
