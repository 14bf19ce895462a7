/** A value as the audit keeps it: secrets masked, and its length bounded. Pure. */
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { Limits } from "../../Limits.ts"

const mask = "<masked>"

/** Fields that hold a secret, sealed or hashed, or would help to guess one, up to cluster version 3: these rows stay as they were. */
const firstSecretFields: ReadonlySet<string> = new Set([
  "password_hash",
  "private_key",
  "private_jwk",
  "ca_private_key",
  "sealed_token",
  "sealed_next",
  "session_key",
  "token_hash",
  "refresh_hash"
])

/** Since cluster version 4. What has the form of a sealed secret is masked under any name. */
const secretFields: ReadonlySet<string> = new Set([
  ...firstSecretFields,
  "client_secret",
  "invitation_hash",
  "key_hash",
  "next_refresh_hash",
  "password",
  "refresh_token",
  "reset_hash",
  "sealed_key",
  "sealed_secret",
  "secret",
  "secret_hash",
  "signing_secret",
  "token"
])

const isSealed = (value: object): boolean => "wrapped_key" in value && "ciphertext" in value

const maskedBy =
  (isSecret: (name: string, value: unknown) => boolean) =>
  (value: unknown): unknown => {
    const walk = (part: unknown): unknown => {
      if (Array.isArray(part)) return part.map(walk)
      if (typeof part !== "object" || part === null) return part
      return Object.fromEntries(
        Object.entries(part).map(([name, field]) => [name, isSecret(name, field) ? mask : walk(field)])
      )
    }
    return walk(value)
  }

/** As up to cluster version 3. */
export const maskedFirst = maskedBy((name) => firstSecretFields.has(name))

/** What is `null` is no secret: that there is none may be told. A `token` that is an object describes one. */
const isSecretField = (name: string, value: unknown): boolean => {
  if (value === null) return false
  if (typeof value === "object") return isSealed(value) || (name !== "token" && secretFields.has(name))
  return secretFields.has(name)
}

/** The value with every secret masked. A change of a secret still shows: both sides are there. */
export const masked = maskedBy(isSecretField)

export const firstText = (value: unknown): string | null =>
  value === null || value === undefined ? null : canonicalJson(maskedFirst(value))

/** A value that is too long is named by its length and its hash. */
export const auditText = (value: unknown): string | null => {
  if (value === null || value === undefined) return null
  const text = canonicalJson(masked(value))
  if (text.length <= Limits.audit.valueCharactersMax) return text
  return canonicalJson({ omitted: { characters: text.length, sha256: sha256Hex(text) } })
}
