/**
 * A statement about the audit's chain, signed with the cluster's signing key: a JWS (RFC 7515) in compact form. Its `typ` is
 * its own, so that it can never pass for an access token, nor one for it. Pure.
 */
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import type { AuditKey, AuditPoint } from "@nxmesh/protocol/model/Audit"
import { createHash, createPrivateKey, createPublicKey, type JsonWebKey, sign, verify } from "node:crypto"

export const headType = "nxmesh-audit+jwt"

export interface HeadClaims extends AuditPoint {
  readonly cluster_id: string
  /** ISO 8601. */
  readonly signed_at: string
  readonly anchor: AuditPoint
  /** Of an export: SHA-256 of every byte before the line with the signature, and the point behind which it begins. */
  readonly export?: { readonly content: string; readonly after: AuditPoint; readonly rows: number }
}

const encode = (text: string): string => Buffer.from(text).toString("base64url")

export const signHead = (claims: HeadClaims, keyId: string, privateJwk: JsonWebKey): string => {
  const signed = `${encode(canonicalJson({ alg: "RS256", kid: keyId, typ: headType }))}.${encode(canonicalJson(claims))}`
  const signature = sign("sha256", Buffer.from(signed), createPrivateKey({ key: privateJwk, format: "jwk" }))
  return `${signed}.${signature.toString("base64url")}`
}

/** RFC 7638: what an RSA key is named by. */
export const keyThumbprint = ({ e, kty, n }: Pick<AuditKey, "e" | "kty" | "n">): string =>
  createHash("sha256").update(canonicalJson({ e, kty, n })).digest("base64url")

/** The bytes, only where the text is the one way to write them: a changed character is never the same value. */
const decode = (part: string): Buffer | null => {
  const bytes = Buffer.from(part, "base64url")
  return bytes.toString("base64url") === part ? bytes : null
}

const parsed = (part: string): unknown => {
  const bytes = decode(part)
  if (bytes === null) return null
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"))
    return canonicalJson(value) === bytes.toString("utf8") ? value : null
  } catch {
    return null
  }
}

const kidOf = (header: unknown): string | null => {
  if (typeof header !== "object" || header === null) return null
  const { alg, kid, typ } = header as Readonly<Record<string, unknown>>
  return alg === "RS256" && typ === headType && typeof kid === "string" ? kid : null
}

export type Opened = { readonly claims: HeadClaims; readonly keyId: string } | { readonly problem: string }

/** What one of the keys signed, or why it is nothing of theirs. */
export const openHead = (signature: string, keys: ReadonlyArray<AuditKey>): Opened => {
  const [header = "", payload = "", mark = "", ...more] = signature.split(".")
  const bytes = decode(mark)
  const kid = kidOf(parsed(header))
  const claims = parsed(payload) as HeadClaims | null
  if (more.length > 0 || bytes === null || kid === null || claims === null) {
    return { problem: "the signature is not one of an audit's head: it was changed" }
  }
  const key = keys.find((candidate) => candidate.kid === kid)
  if (key === undefined) return { problem: `the head is signed with the key ${kid}, which is not among the keys given` }
  if (keyThumbprint(key) !== key.kid) return { problem: `the key ${kid} is not the one that its name says` }
  const { e, kty, n } = key
  const isSigned = verify(
    "sha256",
    Buffer.from(`${header}.${payload}`),
    createPublicKey({ key: { e, kty, n }, format: "jwk" }),
    bytes
  )
  return isSigned ? { claims, keyId: kid } : { problem: "the head's signature does not verify: the head was changed" }
}
