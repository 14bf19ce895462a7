/** The person who logs in first: by the settings, or with a password made up here and left in a file. */
import { join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { write } from "@nxmesh/core/file/AtomicFile"
import { Effect, Redacted } from "effect"
import { Limits } from "../Limits.ts"

export interface AdministratorOptions {
  readonly dataDirectory: string
  readonly email: string | null
  readonly password: Redacted.Redacted<string> | null
}

export interface FirstAdministrator {
  readonly email: string
  readonly password: Redacted.Redacted<string>
  /** Where the password is written, when it was made up. */
  readonly file: string | null
}

const defaultEmail = "admin@nxmesh.local"

/** A made-up password is on disk, mode 0600, before any command exists: a crash in between loses no login. */
export const firstAdministrator = Effect.fn("FirstAdministrator")(function* (options: AdministratorOptions) {
  const email = options.email ?? defaultEmail
  if (options.password !== null) return { email, password: options.password, file: null }
  const identifiers = yield* Identifiers
  const password = yield* identifiers.token(Limits.auth.generatedPasswordBytes)
  const file = join(options.dataDirectory, "first-login")
  yield* write(file, `email: ${email}\npassword: ${Redacted.value(password)}\n`)
  return { email, password, file }
})
