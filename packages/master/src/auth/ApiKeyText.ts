/**
 * The text of an API key: `nxm_<id>_<secret and checksum>`, all hexadecimal. The prefix is what scanners of repositories look
 * for; the checksum tells a mistyped key from a wrong one without asking the state. The id finds the key; its hash is compared
 * in constant time. SHA-256 and not argon2id: the secret is 192 random bits, which no guessing reaches however cheap a guess
 * is, while argon2id on every request would let anybody exhaust the master.
 */
import { timingSafeEqual } from "node:crypto"
import { crc32 } from "node:zlib"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { ApiKeyId, Sha256 } from "@nxmesh/protocol/Ids"
import { Effect, Redacted } from "effect"
import { Limits } from "../Limits.ts"

export interface ApiKeyText {
  readonly id: ApiKeyId
  readonly text: Redacted.Redacted<string>
  readonly hash: Sha256
}

/** How a bearer text that is an API key begins; an access token is a JWT, which cannot. */
export const apiKeyPrefix = "nxm_"

const form = /^nxm_([0-9a-f]{32})_([0-9a-f]{48})([0-9a-f]{8})$/

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, "0")

const uuidOf = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")

const keyOf = (id: ApiKeyId, text: string): ApiKeyText => ({
  id,
  text: Redacted.make(text),
  hash: Sha256.make(sha256Hex(text))
})

export const makeApiKeyText = Effect.gen(function* () {
  const identifiers = yield* Identifiers
  const id = ApiKeyId.make(yield* identifiers.uuid)
  const secret = Buffer.from(yield* identifiers.randomBytes(Limits.auth.apiKeySecretBytes)).toString("hex")
  const body = `${apiKeyPrefix}${id.replaceAll("-", "")}_${secret}`
  return keyOf(id, body + checksum(body))
})

/** `Mistyped`: of the form of a key or near it, with characters wrong or missing. */
export const readApiKeyText = (text: Redacted.Redacted<string>): ApiKeyText | "Mistyped" => {
  const value = Redacted.value(text)
  const [, id, , sum] = form.exec(value) ?? []
  if (id === undefined || checksum(value.slice(0, -8)) !== sum) return "Mistyped"
  return keyOf(ApiKeyId.make(uuidOf(id)), value)
}

/** Takes the same time wherever the two differ. */
export const isSameHash = (one: string, other: string): boolean => {
  const left = Buffer.from(one, "hex")
  const right = Buffer.from(other, "hex")
  return left.length === right.length && timingSafeEqual(left, right)
}
