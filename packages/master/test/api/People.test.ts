/** People: their sessions, and how they come by a password. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ask, login, loginAs } from "./support/Client.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const password = "a password of some length"

const makePerson = Effect.fnUntraced(function* (name: string, over: Readonly<Record<string, unknown>> = { password }) {
  const token = yield* login()
  const email = `${name}@people.example.com`
  const made = yield* ask("POST", "/api/v1/users", { token, body: { email, name, role: "viewer", ...over } })
  assert.strictEqual(made.status, 201, made.text)
  return { id: made.body.data.id as string, email }
})

const linkFor = Effect.fnUntraced(function* (id: string) {
  const token = yield* login()
  const made = yield* ask("POST", `/api/v1/users/${id}/password-link`, { token, body: {} })
  assert.strictEqual(made.status, 201, made.text)
  return made.body.data as { readonly token: string; readonly link: string }
})

const redeem = (token: string, new_password: string) =>
  ask("POST", "/api/v1/auth/password", { body: { token, new_password } })

const me = (token: string) => ask("GET", "/api/v1/users/me", { token })

layer(layerTestMaster, { excludeTestServices: true })("People", (it) => {
  it.effect("see their own sessions, with the one that asks, and end another", () =>
    Effect.gen(function* () {
      const { email } = yield* makePerson("sessions")
      const one = yield* loginAs(email, password)
      const two = yield* loginAs(email, password)
      const listed = yield* ask("GET", "/api/v1/users/me/sessions", { token: one })
      assert.strictEqual(listed.status, 200, listed.text)
      const all = listed.body.data as ReadonlyArray<{ readonly id: string; readonly current: boolean }>
      assert.deepStrictEqual(
        all.map(({ current }) => current).toSorted((left, right) => Number(left) - Number(right)),
        [false, true]
      )
      assert.strictEqual(listed.body.data[0].remote_address, "127.0.0.1")
      assert.isString(listed.body.data[0].user_agent)
      const other = all.find(({ current }) => !current)
      const ended = yield* ask("DELETE", `/api/v1/users/me/sessions/${other?.id}`, { token: one })
      assert.strictEqual(ended.status, 204, ended.text)
      assert.deepStrictEqual([(yield* me(one)).status, (yield* me(two)).status], [200, 401])
    })
  )

  it.effect("end all their other sessions at once, and no one else's", () =>
    Effect.gen(function* () {
      const { email } = yield* makePerson("others")
      const stranger = yield* makePerson("stranger")
      const theirs = yield* loginAs(stranger.email, password)
      const tokens = [yield* loginAs(email, password), yield* loginAs(email, password)] as const
      assert.strictEqual((yield* ask("DELETE", "/api/v1/users/me/sessions", { token: tokens[1] })).status, 204)
      assert.deepStrictEqual([(yield* me(tokens[0])).status, (yield* me(tokens[1])).status], [401, 200])
      const listed = yield* ask("GET", "/api/v1/users/me/sessions", { token: theirs })
      const strange = yield* ask("DELETE", `/api/v1/users/me/sessions/${listed.body.data[0].id}`, { token: tokens[1] })
      assert.strictEqual(strange.status, 404, strange.text)
      assert.strictEqual((yield* me(theirs)).status, 200)
    })
  )

  it.effect("have their sessions listed and ended by who may manage them, and by nobody else", () =>
    Effect.gen(function* () {
      const admin = yield* login()
      const { email, id } = yield* makePerson("managed")
      const token = yield* loginAs(email, password)
      const viewer = yield* loginAs((yield* makePerson("nosy")).email, password)
      assert.strictEqual((yield* ask("GET", `/api/v1/users/${id}/sessions`, { token: viewer })).status, 403)
      assert.strictEqual((yield* ask("DELETE", `/api/v1/users/${id}/sessions`, { token: viewer })).status, 403)
      const listed = yield* ask("GET", `/api/v1/users/${id}/sessions`, { token: admin })
      assert.strictEqual(listed.body.meta.total, 1, listed.text)
      assert.strictEqual((yield* ask("DELETE", `/api/v1/users/${id}/sessions`, { token: admin })).status, 204)
      assert.strictEqual((yield* me(token)).status, 401)
    })
  )

  it.effect("are invited by a link that sets their password once", () =>
    Effect.gen(function* () {
      const { email, id } = yield* makePerson("invited", {})
      const before = yield* ask("POST", "/api/v1/auth/login", { body: { email, password: "" } })
      assert.strictEqual(before.status, 401)
      const old = yield* linkFor(id)
      const { link, token } = yield* linkFor(id)
      assert.include(link, `/set-password#token=${token}`)
      assert.strictEqual((yield* redeem(old.token, password)).status, 401)
      const weak = yield* redeem(token, "Password1234!")
      assert.deepStrictEqual([weak.status, weak.body.error.details[0].field], [400, "new_password"])
      assert.strictEqual((yield* redeem(token, password)).status, 204)
      assert.isString(yield* loginAs(email, password))
      assert.strictEqual((yield* redeem(token, "another password at all")).status, 401)
    })
  )

  it.effect("lose a link and their sessions when the password is set otherwise", () =>
    Effect.gen(function* () {
      const { email, id } = yield* makePerson("reset")
      const token = yield* loginAs(email, password)
      const link = yield* linkFor(id)
      const changed = yield* ask("POST", "/api/v1/users/me/password", {
        token,
        body: { current_password: password, new_password: "quite another sentence" }
      })
      assert.strictEqual(changed.status, 204, changed.text)
      assert.strictEqual((yield* redeem(link.token, password)).status, 401)
    })
  )

  it.effect("may do nothing but change a password that was set for them", () =>
    Effect.gen(function* () {
      const admin = yield* login()
      const { email, id } = yield* makePerson("changing")
      const old = yield* loginAs(email, password)
      const given = "for the first login only"
      const set = yield* ask("POST", `/api/v1/users/${id}/password`, { token: admin, body: { new_password: given } })
      assert.strictEqual(set.status, 204, set.text)
      assert.strictEqual((yield* me(old)).status, 401)
      const token = yield* loginAs(email, given)
      assert.strictEqual((yield* ask("GET", "/api/v1/agents", { token })).status, 403)
      assert.isTrue((yield* me(token)).body.data.must_change_password)
      const body = { current_password: given, new_password: "a sentence of my own" }
      assert.strictEqual((yield* ask("POST", "/api/v1/users/me/password", { token, body })).status, 204)
      assert.strictEqual((yield* ask("GET", "/api/v1/agents", { token })).status, 200)
      assert.isUndefined((yield* me(token)).body.data.must_change_password)
    })
  )

  it.effect("get no password that everybody guesses, wherever it is set", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const weak = "Password1234!"
      const body = { email: "weak@people.example.com", name: "Weak", role: "viewer", password: weak }
      const made = yield* ask("POST", "/api/v1/users", { token, body })
      assert.deepStrictEqual([made.status, made.body.error.details[0].field], [400, "password"])
      const { id } = yield* makePerson("strong")
      const set = yield* ask("POST", `/api/v1/users/${id}/password`, { token, body: { new_password: weak } })
      assert.deepStrictEqual([set.status, set.body.error.details[0].field], [400, "new_password"])
    })
  )
})
