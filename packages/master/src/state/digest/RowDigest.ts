/**
 * A digest of a set of rows that can be kept while rows come and go: the sum of the rows' SHA-256, modulo 2^256 (an additive
 * multiset hash). It says whether two states are the same, and is no proof against somebody who makes up rows. Pure.
 */
import { hash } from "node:crypto"

/** 64 hexadecimal digits. */
export type Digest = string

/** Of no rows at all. */
export const emptyDigest: Digest = "0".repeat(64)

const numberOf = (digest: Digest): bigint => BigInt(`0x${digest}`)

const digestOf = (number: bigint): Digest => BigInt.asUintN(256, number).toString(16).padStart(64, "0")

/** `row`: its table and its columns, as `rowText` writes them. */
const rowNumber = (row: string): bigint => BigInt(`0x${hash("sha256", row, "hex")}`)

/** The digest after one row became another; `null` where there is none. */
export const steppedDigest = (digest: Digest, before: string | null, after: string | null): Digest => {
  let number = numberOf(digest)
  if (before !== null) number -= rowNumber(before)
  if (after !== null) number += rowNumber(after)
  return digestOf(number)
}

export const addDigests = (one: Digest, other: Digest): Digest => digestOf(numberOf(one) + numberOf(other))

/** What has to be added to `from` for `to`. */
export const digestDifference = (from: Digest, to: Digest): Digest => digestOf(numberOf(to) - numberOf(from))
