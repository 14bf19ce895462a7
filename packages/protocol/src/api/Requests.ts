/** What requests have in common: path parameters and the headers of conditional and retried requests. */
import { Schema, SchemaTransformation } from "effect"
import { Limits } from "../Limits.ts"

/** The revision a change is based on, as an ETag (RFC 9110, 13.1.1). Without it the master uses what it reads. */
export const ifMatch = {
  "if-match": Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^(\*|"[1-9][0-9]{0,15}")$/, { message: 'must be an ETag as answered, as in "42"' })
    )
  )
}

/** Answers 304 while the resource still is what the client has (RFC 9110, 13.1.2). */
export const ifNoneMatch = { "if-none-match": Schema.optionalKey(Schema.String) }

/** What answers say in headers, as the OpenAPI document words it. */
export const answerHeaders = {
  etag: "The resource's revision, quoted: for If-Match and If-None-Match",
  location: "Where the new resource is",
  "x-nxmesh-index": "Index of the log that the answer reflects"
} as const

/** Makes a POST safe to retry: the same key with the same body answers what the first one did. */
export const idempotencyKey = {
  "idempotency-key": Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(new RegExp(`^[\\x21-\\x7e]{1,${Limits.idempotencyKeyCharactersMax}}$`), {
        message: `must be 1 to ${Limits.idempotencyKeyCharactersMax} visible ASCII characters`
      })
    )
  )
}

/** Stands in examples for an id of your own. */
export const exampleId = "0190a000-0000-7000-8000-000000000001"

/** A version's number, written `3` or `v3`. */
export const VersionNumber = Schema.String.check(
  Schema.isPattern(/^v?[1-9][0-9]{0,8}$/, { message: "must be a version number, as in 3 or v3" })
).pipe(
  Schema.decodeTo(
    Schema.Int,
    SchemaTransformation.transform({
      decode: (text) => Number(text.replace("v", "")),
      encode: (number) => String(number)
    })
  )
)
