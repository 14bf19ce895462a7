/**
 * Signs a message as Standard Webhooks says (standardwebhooks.com), so that receivers verify it with a library that exists for
 * their language: HMAC-SHA256 over the id, the time and the body.
 */
import { createHmac } from "node:crypto"

const prefix = "whsec_"

/** The secret as it is shown: `whsec_` and its bytes in base64. */
export const secretText = (bytes: Uint8Array): string => prefix + Buffer.from(bytes).toString("base64")

const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(prefix.length), "base64")

/** @param atSeconds since 1970, of this attempt */
export const signatureOf = (secret: string, id: string, atSeconds: number, body: string): string =>
  `v1,${createHmac("sha256", keyOf(secret)).update(`${id}.${atSeconds}.${body}`).digest("base64")}`

/** What goes with every attempt. The key is the same for each, so that a receiver takes a message once. */
export const messageHeaders = (
  secret: string,
  id: string,
  atSeconds: number,
  body: string
): Readonly<Record<string, string>> => ({
  "content-type": "application/json",
  "content-length": String(Buffer.byteLength(body)),
  "webhook-id": id,
  "webhook-timestamp": String(atSeconds),
  "webhook-signature": signatureOf(secret, id, atSeconds, body),
  "idempotency-key": id
})
