/**
 * Hashing and checking passwords with argon2id (RFC 9106). At most two at once: each takes tens of milliseconds of a
 * core and a thread of libuv's pool, which files and certificates need too.
 */
import { argon2, timingSafeEqual } from "node:crypto"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Context, Effect, Layer, Redacted, Semaphore } from "effect"
import { Limits } from "../Limits.ts"
import {
  type Argon2Parameters,
  currentParameters,
  formatPasswordHash,
  hashBytes,
  isOutdated,
  parsePasswordHash,
  saltBytes
} from "./PasswordHash.ts"

/** `Outdated`: right, and stored with weaker parameters than today's. */
export type PasswordVerdict = "Right" | "Outdated" | "Wrong"

export class Passwords extends Context.Service<
  Passwords,
  {
    /** A PHC string with a salt of its own. */
    readonly hash: (password: Redacted.Redacted<string>) => Effect.Effect<string>
    /** An empty hash is of somebody without a password: never right. */
    readonly verify: (password: Redacted.Redacted<string>, stored: string) => Effect.Effect<PasswordVerdict>
    /** Takes as long as `verify` and is never right: for an address without a user, so that timing does not tell. */
    readonly verifyNobody: (password: Redacted.Redacted<string>) => Effect.Effect<PasswordVerdict>
  }
>()("@nxmesh/master/auth/Passwords") {
  static readonly layer = Layer.effect(
    Passwords,
    Effect.gen(function* () {
      const identifiers = yield* Identifiers
      const slots = yield* Semaphore.make(Limits.auth.passwordHashesConcurrentMax)

      const hash = Effect.fn("Passwords.hash")(function* (password: Redacted.Redacted<string>) {
        const salt = yield* identifiers.randomBytes(saltBytes)
        const made = yield* slots.withPermit(derive(password, salt, currentParameters, hashBytes))
        return formatPasswordHash({ parameters: currentParameters, salt, hash: made })
      })

      const verify = Effect.fn("Passwords.verify")(function* (password: Redacted.Redacted<string>, stored: string) {
        if (stored === "") return yield* verifyNobody(password)
        const known = parsePasswordHash(stored)
        if (known === undefined) {
          yield* Effect.logError(
            "a stored password hash is not in PHC format of argon2id; set the user's password anew"
          )
          return yield* verifyNobody(password)
        }
        const made = yield* slots.withPermit(derive(password, known.salt, known.parameters, known.hash.length))
        if (!timingSafeEqual(made, known.hash)) return "Wrong"
        return isOutdated(known) ? "Outdated" : "Right"
      })

      const verifyNobody = (password: Redacted.Redacted<string>): Effect.Effect<PasswordVerdict> =>
        slots
          .withPermit(derive(password, new Uint8Array(saltBytes), currentParameters, hashBytes))
          .pipe(Effect.as("Wrong" as const))

      return Passwords.of({ hash, verify, verifyNobody })
    })
  )
}

/** The only failures are of the machine (no memory) or of a programmer, so they are defects. */
const derive = (
  password: Redacted.Redacted<string>,
  salt: Uint8Array,
  { memory, parallelism, passes }: Argon2Parameters,
  tagLength: number
): Effect.Effect<Uint8Array> =>
  Effect.callback<Uint8Array, Error>((resume) => {
    const message = Buffer.from(Redacted.value(password).normalize("NFKC"))
    argon2("argon2id", { message, nonce: salt, memory, passes, parallelism, tagLength }, (error, tag) => {
      resume(error === null ? Effect.succeed(new Uint8Array(tag)) : Effect.fail(error))
    })
  }).pipe(Effect.orDie)
