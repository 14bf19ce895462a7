import { argon2Sync } from "node:crypto"
import { formatPasswordHash, isOutdated, parsePasswordHash } from "@nxmesh/master/auth/PasswordHash"
import { Commands } from "@nxmesh/master/command/Commands"
import { Sessions } from "@nxmesh/master/auth/Sessions"
import { sessionApiError } from "@nxmesh/master/auth/SessionErrors"
import { Tokens } from "@nxmesh/master/auth/Tokens"
import { Reads } from "@nxmesh/master/state/Reads"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { filesContaining } from "../../../../test/support/Plaintext.ts"
import { administrator, master, masterAt, temporaryDirectory } from "./MasterState.ts"

const from = (remoteAddress: string, password = administrator.password, email = administrator.email) => ({
  email,
  password,
  remoteAddress
})
const here = "192.0.2.1"
const wrong = Redacted.make("not the password at all")
const ended = (sessionId: Parameters<Reads["Service"]["session"]>[0]) =>
  Effect.map(
    Reads.use((reads) => reads.session(sessionId)),
    (session) => session === undefined || session.ended_at !== null
  )
const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => error._tag)

/** What an older release would have stored. */
const weakerHash = (password: string) => {
  const parameters = { memory: 8_192, passes: 1, parallelism: 1 }
  const salt = new Uint8Array(16).fill(3)
  const hash = argon2Sync("argon2id", { message: Buffer.from(password), nonce: salt, tagLength: 32, ...parameters })
  return formatPasswordHash({ parameters, salt, hash })
}

describe("Sessions", () => {
  it.effect("logs in by email, in any case, and password, with a token that verifies", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const issued = yield* sessions.login(from(here, administrator.password, "ADA@example.TEST"))
      const claims = yield* (yield* Tokens).verify(issued.accessToken)
      assert.deepStrictEqual(claims, { userId: issued.userId, sessionId: issued.sessionId, role: "admin" })
      assert.isFalse(yield* ended(issued.sessionId))
    }).pipe(Effect.provide(master))
  )

  it.effect("answers a wrong password and an unknown email alike", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const one = yield* Effect.flip(sessions.login(from(here, wrong)))
      const two = yield* Effect.flip(sessions.login(from(here, wrong, "nobody@example.test")))
      assert.deepStrictEqual(sessionApiError(one), sessionApiError(two))
      assert.strictEqual(one._tag, "CredentialsRefused")
    }).pipe(Effect.provide(master))
  )

  it.effect("makes the sixth attempt wait, right password or not, and the owner elsewhere not", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      for (let attempt = 0; attempt < 5; attempt++) {
        assert.strictEqual(yield* tagOf(sessions.login(from(here, wrong))), "CredentialsRefused")
      }
      const throttled = yield* Effect.flip(sessions.login(from(here)))
      assert.strictEqual(throttled._tag === "LoginThrottled" && throttled.retryAfterSeconds, 1)
      yield* sessions.login(from("192.0.2.99"))
      yield* TestClock.adjust("1 second")
      yield* sessions.login(from(here))
    }).pipe(Effect.provide(master))
  )

  it.effect("throttles unknown emails like known ones", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const attempt = tagOf(sessions.login(from(here, wrong, "nobody@example.test")))
      const tags: Array<string> = []
      for (let index = 0; index < 6; index++) tags.push(yield* attempt)
      assert.deepStrictEqual(tags, [...Array.from({ length: 5 }, () => "CredentialsRefused"), "LoginThrottled"])
    }).pipe(Effect.provide(master))
  )

  it.effect("lets no more than two guesses too many through when many arrive together", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const guess = tagOf(sessions.login(from(here, wrong)))
      const tags = yield* Effect.all(
        Array.from({ length: 30 }, () => guess),
        { concurrency: "unbounded" }
      )
      assert.isAtMost(tags.filter((tag) => tag === "CredentialsRefused").length, 7)
    }).pipe(Effect.provide(master))
  )

  it.effect("forgets failures after a login", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      for (let attempt = 0; attempt < 4; attempt++) yield* Effect.flip(sessions.login(from(here, wrong)))
      yield* sessions.login(from(here))
      for (let attempt = 0; attempt < 4; attempt++) yield* Effect.flip(sessions.login(from(here, wrong)))
      yield* sessions.login(from(here))
    }).pipe(Effect.provide(master))
  )

  it.effect("rotates refresh tokens, each good once", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const first = yield* sessions.login(from(here))
      const second = yield* sessions.refresh(first.refreshToken, here)
      const third = yield* sessions.refresh(second.refreshToken, here)
      assert.strictEqual(third.sessionId, first.sessionId)
      const texts = [first, second, third].map((issued) => Redacted.value(issued.refreshToken))
      assert.strictEqual(new Set(texts).size, 3)
    }).pipe(Effect.provide(master))
  )

  it.effect("answers a refresh retried within 30 s with the same successor (rule 20)", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const first = yield* sessions.login(from(here))
      const answer = yield* sessions.refresh(first.refreshToken, here)
      yield* TestClock.adjust("29 seconds")
      const retried = yield* sessions.refresh(first.refreshToken, here)
      assert.strictEqual(Redacted.value(retried.refreshToken), Redacted.value(answer.refreshToken))
      yield* sessions.refresh(retried.refreshToken, here)
    }).pipe(Effect.provide(master))
  )

  it.effect("answers two refreshes at once with one successor", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { refreshToken } = yield* sessions.login(from(here))
      const answers = yield* Effect.all([sessions.refresh(refreshToken, here), sessions.refresh(refreshToken, here)], {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(answers.map((answer) => Redacted.value(answer.refreshToken))).size, 1)
    }).pipe(Effect.provide(master))
  )

  it.effect("ends the whole session when an older token comes again: for the thief and for the owner", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const first = yield* sessions.login(from(here))
      const second = yield* sessions.refresh(first.refreshToken, here)
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual(yield* tagOf(sessions.refresh(first.refreshToken, "203.0.113.6")), "RefreshRefused")
      assert.strictEqual(yield* tagOf(sessions.refresh(second.refreshToken, here)), "RefreshRefused")
      assert.isTrue(yield* ended(first.sessionId))
    }).pipe(Effect.provide(master))
  )

  it.effect("ends the session at once when a token older than the last comes again", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const first = yield* sessions.login(from(here))
      const second = yield* sessions.refresh(first.refreshToken, here)
      yield* sessions.refresh(second.refreshToken, here)
      assert.strictEqual(yield* tagOf(sessions.refresh(first.refreshToken, here)), "RefreshRefused")
      assert.isTrue(yield* ended(first.sessionId))
    }).pipe(Effect.provide(master))
  )

  it.effect("refuses a made-up token of a session that exists, and leaves the session alone", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const issued = yield* sessions.login(from(here))
      const forged = Redacted.make(`${issued.sessionId}.${"A".repeat(43)}`)
      assert.strictEqual(yield* tagOf(sessions.refresh(forged, here)), "RefreshRefused")
      assert.strictEqual(yield* tagOf(sessions.refresh(Redacted.make("nonsense"), here)), "RefreshRefused")
      yield* sessions.refresh(issued.refreshToken, here)
    }).pipe(Effect.provide(master))
  )

  it.effect("ends a session that is not refreshed for a week, and every session after a month", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const idle = yield* sessions.login(from(here))
      let busy = yield* sessions.login(from(here))
      for (let day = 0; day < 5; day++) {
        yield* TestClock.adjust("6 days")
        if (day < 4) busy = yield* sessions.refresh(busy.refreshToken, here)
      }
      assert.strictEqual(yield* tagOf(sessions.refresh(idle.refreshToken, here)), "RefreshRefused")
      assert.strictEqual(yield* tagOf(sessions.refresh(busy.refreshToken, here)), "RefreshRefused")
    }).pipe(Effect.provide(master))
  )

  it.effect("logs out: the refresh token ends with the session, and logging out again is no error", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { refreshToken, sessionId, userId } = yield* sessions.login(from(here))
      yield* sessions.logout({ userId, sessionId, remoteAddress: here })
      assert.isTrue(yield* ended(sessionId))
      assert.strictEqual(yield* tagOf(sessions.refresh(refreshToken, here)), "RefreshRefused")
    }).pipe(Effect.provide(master))
  )

  it.effect("changes a password: the old one ends, and so does every other session", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const [mine, other] = [yield* sessions.login(from(here)), yield* sessions.login(from(here))]
      const next = Redacted.make("another long password")
      const change = { userId: mine.userId, sessionId: mine.sessionId, next, remoteAddress: here }
      assert.strictEqual(yield* tagOf(sessions.changePassword({ ...change, current: wrong })), "PasswordRefused")
      yield* sessions.changePassword({ ...change, current: administrator.password })
      assert.isFalse(yield* ended(mine.sessionId))
      assert.isTrue(yield* ended(other.sessionId))
      assert.strictEqual(yield* tagOf(sessions.login(from(here))), "CredentialsRefused")
      yield* sessions.login(from(here, next))
    }).pipe(Effect.provide(master))
  )

  it.effect("refuses a disabled person at login and at refresh", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const commands = yield* Commands
      const issued = yield* sessions.login(from(here))
      const stored = yield* (yield* Reads).userByEmail(administrator.email)
      if (stored === undefined) return assert.fail("no administrator")
      const { created_at: _, revision: __, updated_at: ___, ...user } = stored
      const second = { ...user, id: "0197c0de-0000-7000-8000-0000000000aa" as typeof user.id, email: "b@example.test" }
      const principal = { _tag: "System", component: "test" } as const
      yield* commands.submit({ principal, command: { _tag: "SaveUser", mode: "create", if_match: null, user: second } })
      yield* commands.submit({
        principal,
        command: { _tag: "SaveUser", mode: "update", if_match: null, user: { ...user, disabled: true } }
      })
      assert.strictEqual(yield* tagOf(sessions.login(from(here))), "CredentialsRefused")
      assert.strictEqual(yield* tagOf(sessions.refresh(issued.refreshToken, here)), "RefreshRefused")
    }).pipe(Effect.provide(master))
  )

  it.effect("replaces a hash of weaker parameters at the next login, and keeps the sessions", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const reads = yield* Reads
      const open = yield* sessions.login(from(here))
      const stored = yield* reads.userByEmail(administrator.email)
      if (stored === undefined) return assert.fail("no administrator")
      const { created_at: _, revision: __, updated_at: ___, ...user } = stored
      const password_hash = weakerHash(Redacted.value(administrator.password))
      yield* (yield* Commands).submit({
        principal: { _tag: "System", component: "test" },
        command: { _tag: "SaveUser", mode: "update", if_match: null, user: { ...user, password_hash } }
      })
      yield* sessions.login(from(here))
      const after = (yield* reads.userByEmail(administrator.email))?.password_hash ?? ""
      assert.notStrictEqual(after, password_hash)
      assert.isFalse(isOutdated(parsePasswordHash(after) ?? assert.fail("not a hash")))
      assert.isFalse(yield* ended(open.sessionId))
      yield* sessions.login(from(here))
    }).pipe(Effect.provide(master))
  )

  it.effect("keeps sessions over a restart, and no token in any file", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const first = yield* Sessions.use((sessions) =>
        Effect.flatMap(sessions.login(from(here)), ({ refreshToken }) => sessions.refresh(refreshToken, here))
      ).pipe(Effect.provide(masterAt(directory)))
      const second = yield* Sessions.use((sessions) => sessions.refresh(first.refreshToken, here)).pipe(
        Effect.provide(masterAt(directory))
      )
      for (const { accessToken, refreshToken } of [first, second]) {
        assert.deepStrictEqual(filesContaining(directory, Redacted.value(refreshToken).split(".")[1] ?? ""), [])
        assert.deepStrictEqual(filesContaining(directory, Redacted.value(accessToken)), [])
      }
    })
  )
})
