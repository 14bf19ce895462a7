/** Whether an enrolling agent holds the private key of the public key it names. */
import { createPublicKey, verify } from "node:crypto"
import type { Enrolment } from "@nxmesh/protocol/link/Registration"
import { enrolmentProofText } from "@nxmesh/protocol/link/SignedCall"

/** True when the proof is an Ed25519 signature (RFC 8032) of the token on this connection. */
export const provesKey = (
  { proof, public_key, token }: Pick<Enrolment, "proof" | "public_key" | "token">,
  channelBinding: string
): boolean => {
  try {
    const key = createPublicKey({ key: Buffer.from(public_key, "base64"), format: "der", type: "spki" })
    if (key.asymmetricKeyType !== "ed25519") return false
    return verify(null, Buffer.from(enrolmentProofText(token, channelBinding)), key, Buffer.from(proof, "base64"))
  } catch {
    // node:crypto throws on a key that is no key: that proves nothing.
    return false
  }
}
