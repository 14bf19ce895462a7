/**
 * The texts that people type, and what each may hold. A value that reaches an nginx configuration is checked here by
 * its place, so that a bad one is refused at the API with its field named; the renderer quotes it all the same.
 */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"

/** True when the text holds a control character (C0, DEL, C1) or a Unicode line separator. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const controlCharacter = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

const noControlCharacters = Schema.makeFilter((text: string) =>
  controlCharacter.test(text) ? "must not contain control characters or line breaks" : undefined
)

/** Half of a surrogate pair is no character: UTF-8 cannot hold it, so what is stored would not be what was sent. */
export const wellFormed = Schema.makeFilter((text: string) =>
  text.isWellFormed() ? undefined : "must not contain half of a surrogate pair"
)

/** Effect's own `isUnique` compares each with each, which a long list of a stranger makes expensive. */
export const eachOnce = (message: string) =>
  Schema.makeFilter((items: ReadonlyArray<string>) => (new Set(items).size === items.length ? undefined : message))

/** One line of text without control characters. */
export const line = (charactersMax: number) =>
  Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(charactersMax), noControlCharacters, wellFormed)

/** A human-readable name. Never becomes an nginx identifier by itself: generated names carry an id. */
export const Name = line(Limits.nameCharactersMax)
export const Description = Schema.String.check(Schema.isMaxLength(Limits.descriptionCharactersMax), wellFormed)

/** A URL-friendly identifier: a DNS label (RFC 1123). */
export const Slug = Schema.String.check(
  Schema.isPattern(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
    message: "must be lower-case letters, digits and hyphens, at most 63, and not start or end with a hyphen"
  })
)

/** An instant, ISO 8601 in UTC with milliseconds, as in `2026-03-02T14:30:00.000Z`. */
export const Timestamp = Schema.String.check(
  Schema.isPattern(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/, { message: "must be an ISO 8601 instant in UTC" })
)
export type Timestamp = typeof Timestamp.Type

export const Email = Schema.String.check(
  Schema.isMaxLength(Limits.emailCharactersMax),
  Schema.isPattern(/^[^\s@<>"']+@[^\s@<>"']+\.[^\s@<>"']+$/, { message: "must be an email address" }),
  wellFormed
)

export const Password = Schema.String.check(
  Schema.isMinLength(Limits.passwordCharactersMin, {
    message: `must have at least ${Limits.passwordCharactersMin} characters`
  }),
  Schema.isMaxLength(Limits.passwordCharactersMax),
  wellFormed
)

/** A port a server can listen on. */
export const Port = Schema.Int.check(
  Schema.isBetween({ minimum: 1, maximum: 65_535 }, { message: "must be a port from 1 to 65535" })
)

/** Label keys and values, by Kubernetes' rule for label values, keys optionally prefixed (`team.example/tier`). */
const labelText = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/
const labelKey = Schema.String.check(
  Schema.isMaxLength(Limits.labelCharactersMax),
  Schema.isPattern(/^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$/, { message: "is not a valid label key" })
)
const labelValue = Schema.String.check(
  Schema.isMaxLength(Limits.labelCharactersMax),
  Schema.makeFilter((text: string) => (text === "" || labelText.test(text) ? undefined : "is not a valid label value"))
)
export const Labels = Schema.Record(labelKey, labelValue).check(
  Schema.makeFilter((labels) =>
    Object.keys(labels).length > Limits.labelsMax ? `must have at most ${Limits.labelsMax} labels` : undefined
  )
)
export type Labels = typeof Labels.Type
