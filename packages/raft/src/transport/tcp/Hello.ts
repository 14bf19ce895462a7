/**
 * What both sides say before anything else. It is JSON, so that a version that knows more fields can still be told why
 * it is refused; this much of the format stays.
 */
import { Schema } from "effect"
import type { NodeId } from "../../core/Types.ts"
import { MalformedMessage } from "../MalformedMessage.ts"
import { TransportError, type TransportReason } from "./TransportError.ts"

/** Raised when the bytes of messages change: nodes of different versions refuse each other. */
export const protocolVersion = 1

/** Of whoever opened the connection. */
export const Hello = Schema.Struct({
  protocol: Schema.Int,
  cluster: Schema.String,
  from: Schema.NonEmptyString,
  /** Who is expected to answer; `null`: whoever does. */
  to: Schema.NullOr(Schema.NonEmptyString),
  role: Schema.Literals(["peer", "client"]),
  lane: Schema.Literals(["control", "bulk"])
})
export type Hello = typeof Hello.Type
export type Lane = Hello["lane"]

const reasons = ["OtherCluster", "OtherNode", "OtherVersion", "WrongIdentity", "TooManyClients", "Malformed"] as const

export const HelloAnswer = Schema.Union([
  Schema.TaggedStruct("Welcome", { protocol: Schema.Int, cluster: Schema.String, from: Schema.NonEmptyString }),
  Schema.TaggedStruct("Refused", { reason: Schema.Literals(reasons), message: Schema.String })
])
export type HelloAnswer = typeof HelloAnswer.Type
type HelloReason = (typeof reasons)[number]

const decoder = new TextDecoder("utf-8", { fatal: true })

const decodeJson = <A>(schema: Schema.Codec<A>) => {
  const decode = Schema.decodeUnknownSync(schema)
  return (frame: Uint8Array): A => {
    try {
      return decode(JSON.parse(decoder.decode(frame)))
    } catch (cause) {
      throw new MalformedMessage({ cause })
    }
  }
}

/** Both throw MalformedMessage. */
export const decodeHello = decodeJson(Hello)
export const decodeHelloAnswer = decodeJson(HelloAnswer)

export const encodeHello = (hello: Hello | HelloAnswer): Uint8Array => Buffer.from(JSON.stringify(hello))

/** Who a node is, and in which cluster. */
export interface Self {
  readonly id: NodeId
  readonly cluster: string
}

const refusal = (reason: HelloReason, message: string) => new TransportError({ reason, message })

/** Why a node does not take a connection that begins with `hello`; `null`: it does. */
export const helloProblem = (self: Self, hello: Hello): TransportError | null => {
  const who = `${hello.role} ${hello.from}`
  if (hello.protocol !== protocolVersion) {
    return refusal(
      "OtherVersion",
      `${who} speaks version ${hello.protocol} of the protocol, node ${self.id} version ${protocolVersion}; run one release on both`
    )
  }
  if (hello.cluster !== self.cluster) {
    return refusal(
      "OtherCluster",
      `${who} belongs to cluster ${hello.cluster}, node ${self.id} to cluster ${self.cluster}; check the addresses that it was given`
    )
  }
  if (hello.to !== null && hello.to !== self.id) {
    return refusal(
      "OtherNode",
      `${who} asks for node ${hello.to}, this is node ${self.id}; check the address of ${hello.to}`
    )
  }
  if (hello.role === "peer" && hello.from === self.id) {
    return refusal("OtherNode", `a peer calls itself ${self.id}, as this node does; two nodes run with one identity`)
  }
  return null
}

/** Why whoever said `hello` does not accept this answer; `null`: it does. */
export const answerProblem = (hello: Hello, answer: HelloAnswer): TransportError | null => {
  if (answer._tag === "Refused") return refusal(answer.reason, answer.message)
  if (answer.protocol !== protocolVersion) {
    return refusal(
      "OtherVersion",
      `node ${answer.from} speaks version ${answer.protocol} of the protocol, ${hello.from} version ${protocolVersion}; run one release on both`
    )
  }
  if (answer.cluster !== hello.cluster) {
    return refusal(
      "OtherCluster",
      `node ${answer.from} belongs to cluster ${answer.cluster}, ${hello.from} to cluster ${hello.cluster}; check the addresses that it was given`
    )
  }
  if (hello.to !== null && answer.from !== hello.to) {
    return refusal("OtherNode", `node ${answer.from} answers at the address of ${hello.to}; check that address`)
  }
  return null
}

export const isHelloReason = (reason: TransportReason): reason is HelloReason =>
  (reasons as ReadonlyArray<TransportReason>).includes(reason)
