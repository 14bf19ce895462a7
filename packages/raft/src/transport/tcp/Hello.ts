/**
 * What both sides say before anything else. It is JSON, so that a version that knows more fields can still be told why
 * it is refused; this much of the format stays.
 */
import { Schema } from "effect"
import type { NodeId } from "../../core/Types.ts"
import { MalformedMessage } from "../MalformedMessage.ts"
import { TransportError, type TransportReason } from "./TransportError.ts"

/** Both ends included. */
const ProtocolRange = Schema.Struct({ oldest: Schema.Int, newest: Schema.Int })
export type ProtocolRange = typeof ProtocolRange.Type

/**
 * Versions of the messages' bytes. A connection uses the newest that both sides speak, and sends nothing on it that came
 * later, so that masters can be upgraded one by one. A version is dropped a release after the last one that needs it.
 */
export const spokenProtocols: ProtocolRange = { oldest: 1, newest: 1 }

/** Of whoever opened the connection. */
export const Hello = Schema.Struct({
  /** For nodes that do not know `speaks`, and use this one or refuse. */
  protocol: Schema.Int,
  speaks: Schema.optionalKey(ProtocolRange),
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
  /** With the version that the connection uses. */
  Schema.TaggedStruct("Welcome", { protocol: Schema.Int, cluster: Schema.String, from: Schema.NonEmptyString }),
  /** A node of another version may give reasons that this one does not know. */
  Schema.TaggedStruct("Refused", { reason: Schema.String, message: Schema.String })
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

const versions = ({ newest, oldest }: ProtocolRange): string =>
  oldest === newest ? `version ${oldest}` : `versions ${oldest} to ${newest}`

const spokenBy = ({ protocol, speaks }: Pick<Hello, "protocol" | "speaks">): ProtocolRange =>
  speaks ?? { oldest: protocol, newest: protocol }

/** The newest version that both speak; `null`: there is none. */
export const commonProtocol = (
  hello: Pick<Hello, "protocol" | "speaks">,
  own: ProtocolRange = spokenProtocols
): number | null => {
  const theirs = spokenBy(hello)
  const newest = Math.min(own.newest, theirs.newest)
  return newest >= Math.max(own.oldest, theirs.oldest) ? newest : null
}

/** What whoever opens a connection says of its versions. */
export const saidVersions = (own: ProtocolRange = spokenProtocols): Pick<Hello, "protocol" | "speaks"> => ({
  protocol: own.oldest,
  speaks: own
})

/** Why a node does not take a connection that begins with `hello`; `null`: it does. */
export const helloProblem = (self: Self, hello: Hello, own = spokenProtocols): TransportError | null => {
  const who = `${hello.role} ${hello.from}`
  if (commonProtocol(hello, own) === null) {
    return refusal(
      "OtherVersion",
      `${who} speaks ${versions(spokenBy(hello))} of the protocol, node ${self.id} ${versions(own)}; run one release on both`
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
  if (answer._tag === "Refused") {
    return refusal(isHelloReason(answer.reason) ? answer.reason : "OtherVersion", answer.message)
  }
  const said = spokenBy(hello)
  if (answer.protocol < said.oldest || answer.protocol > said.newest) {
    return refusal(
      "OtherVersion",
      `node ${answer.from} speaks version ${answer.protocol} of the protocol, ${hello.from} ${versions(said)}; run one release on both`
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

export const isHelloReason = (reason: TransportReason | (string & {})): reason is HelloReason =>
  (reasons as ReadonlyArray<string>).includes(reason)
