import { assert, it } from "@effect/vitest"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Effect, Layer, Redacted } from "effect"
import { vi } from "vitest"
import { Passwords } from "../../src/auth/Passwords.ts"

const threads = vi.hoisted(() => ({ busy: 0, busiest: 0 }))

/** As it is, and counted. */
vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof import("node:crypto")>()
  const argon2: typeof crypto.argon2 = (algorithm, parameters, callback) => {
    threads.busy += 1
    threads.busiest = Math.max(threads.busiest, threads.busy)
    crypto.argon2(algorithm, parameters, (error, tag) => {
      threads.busy -= 1
      callback(error, tag)
    })
  }
  return { ...crypto, argon2 }
})

it.live("however many people log in, two threads of the pool hash, and the others serve the disk (rule 13)", () =>
  Effect.gen(function* () {
    const { hash, verifyNobody } = yield* Passwords
    const password = Redacted.make("correct horse battery")
    const logins = [hash, verifyNobody, hash, verifyNobody]
    yield* Effect.forEach(logins, (login) => Effect.asVoid(login(password)), { concurrency: "unbounded" })
    assert.strictEqual(threads.busiest, 2)
    assert.strictEqual(threads.busy, 0)
  }).pipe(Effect.provide(Passwords.layer.pipe(Layer.provide(Identifiers.layer))))
)
