import { createHook } from "node:async_hooks"
import { assert, it } from "@effect/vitest"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Effect, Layer, Redacted } from "effect"
import { Passwords } from "../../src/auth/Passwords.ts"

/** Counts Node's own jobs of argon2, each from where it is given to a thread to where it answers. */
const counted = Effect.acquireRelease(
  Effect.sync(() => {
    const running = new Set<number>()
    const seen = { jobs: 0, atOnceMax: 0 }
    const hook = createHook({
      init: (id, type) => {
        if (!type.startsWith("ARGON2")) return
        running.add(id)
        seen.jobs += 1
        seen.atOnceMax = Math.max(seen.atOnceMax, running.size)
      },
      before: (id) => void running.delete(id)
    }).enable()
    return { seen, hook }
  }),
  ({ hook }) => Effect.sync(() => hook.disable())
)

it.live("however many people log in, two threads of the pool hash, and the others serve the disk (rule 13)", () =>
  Effect.gen(function* () {
    const { seen } = yield* counted
    const { hash, verifyNobody } = yield* Passwords
    const password = Redacted.make("correct horse battery")
    const logins = [hash, verifyNobody, hash, verifyNobody]
    yield* Effect.forEach(logins, (login) => Effect.asVoid(login(password)), { concurrency: "unbounded" })
    assert.deepStrictEqual(seen, { jobs: 4, atOnceMax: 2 })
  }).pipe(Effect.provide(Passwords.layer.pipe(Layer.provide(Identifiers.layer))))
)
