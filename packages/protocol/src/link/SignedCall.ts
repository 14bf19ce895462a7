/**
 * The form of a signed call. An RPC request travels as one text frame; its `payload` is the JSON text of the body, so
 * that both sides hash the same characters whatever fields either knows, and its `headers` are the five of
 * core/crypto/CallSignature and no others. The specification signs the body alone, which anyone who saw it could replay
 * (design.md section 8).
 */
import { Schema } from "effect"

/** Every call has this method; the path names the procedure. */
export const callMethod = "POST"
export const linkPath = "/agents"
export const callPath = (procedure: string): string => `${linkPath}/${procedure}`

/** The one call made before there is a key to sign with: it proves itself by a token and an Ed25519 signature. */
export const enrolmentProcedure = "Enrol"

/** What an enrolling agent signs with its Ed25519 key: the token, on this connection alone (RFC 9266). */
export const enrolmentProofText = (token: string, channelBindingBase64: string): string =>
  `nxmesh enrolment 1\n${token}\n${channelBindingBase64}\n`

const requestId = Schema.Union([Schema.Int, Schema.String.check(Schema.isMaxLength(64))])

/** What an agent may send. `Ack` and `Interrupt` only steer calls that were verified. */
export const AgentFrame = Schema.Union([
  Schema.Struct({
    _tag: Schema.Literal("Request"),
    id: requestId,
    tag: Schema.String.check(Schema.isMaxLength(64)),
    payload: Schema.String,
    headers: Schema.Array(Schema.Tuple([Schema.String, Schema.String])).check(Schema.isMaxLength(16)),
    traceId: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64))),
    spanId: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64))),
    sampled: Schema.optionalKey(Schema.Boolean)
  }),
  Schema.Struct({ _tag: Schema.Literal("Ack"), requestId }),
  Schema.Struct({ _tag: Schema.Literal("Interrupt"), requestId }),
  Schema.Struct({ _tag: Schema.Literal("Ping") }),
  Schema.Struct({ _tag: Schema.Literal("Eof") })
])
export type AgentFrame = typeof AgentFrame.Type
export type AgentRequest = Extract<AgentFrame, { readonly _tag: "Request" }>
