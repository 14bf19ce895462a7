/** Messages and calls as bytes, and back. What is read is what its schema says, or MalformedMessage is thrown. */
import { Schema } from "effect"
import type { Message } from "../core/Message.ts"
import { type BinaryCodec, binaryCodec } from "./binary/BinaryCodec.ts"
import { ByteReader } from "./binary/ByteReader.ts"
import { ByteWriter } from "./binary/ByteWriter.ts"
import { Answer, Call } from "./Call.ts"
import { MalformedMessage } from "./MalformedMessage.ts"
import { Count, MessageSchema } from "./MessageSchema.ts"

/** Calls of one connection are numbered by the client; answers come in any order. */
export interface NumberedCall {
  readonly number: number
  readonly call: Call
}
export interface NumberedAnswer {
  readonly number: number
  readonly answer: Answer
}

/** The type says that schema and core name the same messages: a field that only one of them has is an error here. */
export const messageCodec: BinaryCodec<Message> = binaryCodec(MessageSchema)
export const callCodec: BinaryCodec<NumberedCall> = binaryCodec(Schema.Struct({ number: Count, call: Call }))
export const answerCodec: BinaryCodec<NumberedAnswer> = binaryCodec(Schema.Struct({ number: Count, answer: Answer }))

/** Throws MalformedMessage. What the message carries does not keep a larger buffer alive. */
export const decode = <A>({ read }: Pick<BinaryCodec<A>, "read">, bytes: Uint8Array): A => {
  try {
    const reader = new ByteReader(bytes)
    const value = read(reader)
    if (reader.left > 0) throw new RangeError(`${reader.left} bytes too many`)
    return value
  } catch (cause) {
    throw new MalformedMessage({ cause })
  }
}

/** As one block. (A connection writes into its own ByteWriter instead.) */
export const encode = <A>({ write }: Pick<BinaryCodec<A>, "write">, value: A): Uint8Array => {
  const writer = new ByteWriter()
  write(value, writer)
  return Buffer.concat(writer.take())
}
