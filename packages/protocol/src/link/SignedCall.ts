/**
 * The form of a signed call. An RPC request travels as one text frame; its `payload` is the JSON text of the body, so that
 * both sides hash the same characters whatever fields either knows, and its `headers` are exactly these five. The
 * specification signs the body alone, which anyone who saw it could replay (design.md section 8).
 */

/** Names of the headers of a signed call. Any other header on a call is refused. */
export const signatureHeaders = {
  agentId: "x-agent-id",
  keyId: "x-key-id",
  timestamp: "x-timestamp",
  nonce: "x-nonce",
  signature: "x-signature"
} as const

/** Every call has this method; the path names the procedure. */
export const callMethod = "POST"
export const linkPath = "/agents"
export const callPath = (procedure: string): string => `${linkPath}/${procedure}`

/** The one call made before there is a key to sign with: it proves itself by a token and an Ed25519 signature. */
export const enrolmentProcedure = "Enrol"

/** RFC 9266: the value that names one TLS connection to both of its ends. */
export const channelBinding = { label: "EXPORTER-Channel-Binding", bytes: 32 } as const

/** What an enrolling agent signs with its Ed25519 key: the token, on this connection alone. */
export const enrolmentProofText = (token: string, channelBindingBase64: string): string =>
  `nxmesh enrolment 1\n${token}\n${channelBindingBase64}\n`
