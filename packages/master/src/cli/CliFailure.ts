/** Why a command did not do what was asked. Each kind ends the program with a code of its own, so that scripts can tell. */
import { HttpClientError } from "effect/http"
import { Data, Schema } from "effect"

const kinds = {
  /** The master refused, or could not do it. */
  Refused: 1,
  /** The command line is wrong. */
  Usage: 2,
  /** No master answered. */
  Unreachable: 3
} as const

export class CliFailure extends Data.TaggedError("CliFailure")<{
  readonly kind: keyof typeof kinds
  readonly message: string
  /** One line for each field or resource that is meant. */
  readonly details?: ReadonlyArray<string>
}> {}

export const exitCode = ({ kind }: CliFailure): number => kinds[kind]

export const usage = (message: string): CliFailure => new CliFailure({ kind: "Usage", message })
export const refused = (message: string): CliFailure => new CliFailure({ kind: "Refused", message })

/** The envelope that every refusal of the API has. */
const Envelope = Schema.Struct({
  error: Schema.Struct({
    code: Schema.String,
    message: Schema.String,
    details: Schema.Array(Schema.Struct({ field: Schema.String, message: Schema.String }))
  })
})
const isEnvelope = Schema.is(Envelope)

/** The code of a refusal of the API; `null` for any other failure. */
export const refusalCode = (error: unknown): string | null => (isEnvelope(error) ? error.error.code : null)

/** What a refusal of the API says of this field; `null` when it says nothing of it. */
export const refusalDetail = (error: unknown, field: string): string | null =>
  isEnvelope(error) ? (error.error.details.find((detail) => detail.field === field)?.message ?? null) : null

const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message
}

/** Any failure of a call, in words for the operator. Never holds a token. */
export const callFailure = (origin: string, error: unknown): CliFailure => {
  if (error instanceof CliFailure) return error
  if (isEnvelope(error)) {
    const { details, message } = error.error
    return new CliFailure({
      kind: "Refused",
      message,
      details: details.map(({ field, message }) => (field === "" ? message : `${field} ${message}`))
    })
  }
  if (HttpClientError.isHttpClientError(error)) {
    const { reason } = error
    return reason._tag === "TransportError" || reason._tag === "InvalidUrlError"
      ? new CliFailure({
          kind: "Unreachable",
          message: `no master answers at ${origin} (${reasonOf(reason.cause ?? reason._tag)}): name another one with --url`
        })
      : refused(`${origin} does not answer as a master of NxMesh does (${reason._tag}): check --url`)
  }
  return refused(`the answer of ${origin} was not understood, it may run another version: ${reasonOf(error)}`)
}
