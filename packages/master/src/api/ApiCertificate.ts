/**
 * The certificate of the API's own TLS, from the files that the settings name: read again while the master runs, so that whoever
 * renews them has nothing to restart. A pair that cannot be used leaves the one before in force.
 */
import { readFile } from "node:fs/promises"
import { createSecureContext, type SecureContextOptions } from "node:tls"
import { Data, Effect, Schedule } from "effect"
import { Limits } from "../Limits.ts"
import type { SettingsShape } from "../Settings.ts"

export class ApiCertificateError extends Data.TaggedError("ApiCertificateError")<{ readonly message: string }> {}

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** `null`: the API speaks plain HTTP. Fails when one of the two files is not named. */
export const certificateFiles = ({
  tlsCertificateFile,
  tlsKeyFile
}: Pick<SettingsShape, "tlsCertificateFile" | "tlsKeyFile">): Effect.Effect<
  CertificateFiles | null,
  ApiCertificateError
> => {
  if (tlsCertificateFile === null && tlsKeyFile === null) return Effect.succeed(null)
  return tlsCertificateFile === null || tlsKeyFile === null
    ? Effect.fail(
        new ApiCertificateError({
          message: "set both NXMESH_TLS_CERTIFICATE_FILE and NXMESH_TLS_KEY_FILE, or neither: TLS needs the two"
        })
      )
    : Effect.succeed({ certificate: tlsCertificateFile, key: tlsKeyFile })
}

const read = (setting: string, path: string) =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (cause) =>
      new ApiCertificateError({
        message: `cannot read ${setting}: ${cause instanceof Error ? cause.message : String(cause)}`
      })
  })

export interface Pair {
  readonly cert: string
  readonly key: string
}

/** A pair that TLS can use, or why not, without a word of what is in the key's file. */
export const readPair = ({ certificate, key }: CertificateFiles): Effect.Effect<Pair, ApiCertificateError> =>
  Effect.gen(function* () {
    const pair = {
      cert: yield* read("NXMESH_TLS_CERTIFICATE_FILE", certificate),
      key: yield* read("NXMESH_TLS_KEY_FILE", key)
    }
    return yield* Effect.try({
      try: () => {
        createSecureContext(pair)
        return pair
      },
      catch: () =>
        new ApiCertificateError({
          message: `${certificate} and ${key} are no certificate in PEM with its private key: put a matching pair there, the key without a passphrase`
        })
    })
  })

/** Gives each pair that replaces the one before to `use`, as long as the scope lasts. */
export const followPair = (
  files: CertificateFiles,
  first: Pair,
  use: (pair: SecureContextOptions) => void,
  everyMillis: number = Limits.api.certificateCheckMillis
) =>
  Effect.suspend(() => {
    let inForce = first
    let problem: string | null = null
    return readPair(files).pipe(
      Effect.flatMap((pair) => {
        problem = null
        if (pair.cert === inForce.cert && pair.key === inForce.key) return Effect.void
        inForce = pair
        use(pair)
        return Effect.logInfo("the API's certificate was read anew")
      }),
      Effect.catch(({ message }) => {
        // Between the writing of one file and that of the other they do not match: said once.
        const isKnown = problem === message
        problem = message
        return isKnown
          ? Effect.void
          : Effect.logWarning("the API keeps the certificate that it has", { reason: message })
      }),
      Effect.repeat(Schedule.spaced(everyMillis)),
      Effect.forkScoped
    )
  })
