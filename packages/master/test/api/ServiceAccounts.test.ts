/** Programs: their accounts, and keys that are shown once. */
import { ApiKeyUses } from "@nxmesh/master/auth/ApiKeyUses"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Commands } from "@nxmesh/master/command/Commands"
import { RoleBindingId, ServiceAccountId } from "@nxmesh/protocol/Ids"
import type { Role } from "@nxmesh/protocol/model/Permission"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ask, login } from "./support/Client.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const path = "/api/v1/service-accounts"

const makeAccount = Effect.fnUntraced(function* (name: string, over: Readonly<Record<string, unknown>> = {}) {
  const token = yield* login()
  const body = { organization_id: null, name, ...over }
  const made = yield* ask("POST", path, { token, body })
  assert.strictEqual(made.status, 201, made.text)
  return made.body.data as { readonly id: string; readonly revision: number }
})

const bind = Effect.fnUntraced(function* (id: string, role: Role) {
  const commands = yield* Commands
  const { uuid } = yield* Identifiers
  yield* commands.submit({
    principal: { _tag: "System", component: "test" },
    command: {
      _tag: "SaveRoleBinding",
      role_binding: {
        id: RoleBindingId.make(yield* uuid),
        subject: { kind: "service_account", id: ServiceAccountId.make(id) },
        role,
        organization_id: null,
        workspace_id: null,
        identity_provider_id: null
      }
    }
  })
})

const makeKey = Effect.fnUntraced(function* (id: string, over: Readonly<Record<string, unknown>> = {}) {
  const token = yield* login()
  const made = yield* ask("POST", `${path}/${id}/keys`, { token, body: { name: "a key", ...over } })
  assert.strictEqual(made.status, 201, made.text)
  return made.body.data as { readonly id: string; readonly key: string }
})

const hosts = "/api/v1/virtual-hosts"

layer(layerTestMaster, { excludeTestServices: true })("Service accounts", (it) => {
  it.effect("do with a key what their bindings allow, and nothing before", () =>
    Effect.gen(function* () {
      const account = yield* makeAccount("deploys")
      const { key } = yield* makeKey(account.id)
      assert.match(key, /^nxm_[0-9a-f]{32}_[0-9a-f]{56}$/)
      assert.strictEqual((yield* ask("GET", hosts, { token: key })).status, 403)
      yield* bind(account.id, "viewer")
      assert.strictEqual((yield* ask("GET", hosts, { token: key })).status, 200)
      assert.strictEqual((yield* ask("GET", "/api/v1/users", { token: key })).status, 403)
    })
  )

  it.effect("have keys that allow less than the account", () =>
    Effect.gen(function* () {
      const account = yield* makeAccount("narrow")
      yield* bind(account.id, "operator")
      const { key } = yield* makeKey(account.id, { permissions: ["agent:read", "user:read"] })
      assert.strictEqual((yield* ask("GET", "/api/v1/agents", { token: key })).status, 200)
      assert.strictEqual((yield* ask("GET", hosts, { token: key })).status, 403)
      // What the account may not do, no key gives.
      assert.strictEqual((yield* ask("GET", "/api/v1/users", { token: key })).status, 403)
    })
  )

  it.effect("have two keys at once, and the revoked one is refused at once", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const account = yield* makeAccount("rotated")
      yield* bind(account.id, "viewer")
      const [old, next] = [yield* makeKey(account.id), yield* makeKey(account.id)]
      for (const { key } of [old, next]) assert.strictEqual((yield* ask("GET", hosts, { token: key })).status, 200)
      const revoked = yield* ask("DELETE", `${path}/${account.id}/keys/${old.id}`, { token })
      assert.strictEqual(revoked.status, 204, revoked.text)
      const refused = yield* ask("GET", hosts, { token: old.key })
      assert.deepStrictEqual([refused.status, refused.body.error.code], [401, "UNAUTHENTICATED"])
      assert.strictEqual((yield* ask("GET", hosts, { token: next.key })).status, 200)
    })
  )

  it.effect("are refused while disabled, and after their delete", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const account = yield* makeAccount("gone")
      yield* bind(account.id, "viewer")
      const { key } = yield* makeKey(account.id)
      const disabled = yield* ask("PATCH", `${path}/${account.id}`, { token, body: { disabled: true } })
      assert.strictEqual(disabled.status, 200, disabled.text)
      assert.strictEqual((yield* ask("GET", hosts, { token: key })).status, 401)
      assert.strictEqual((yield* ask("DELETE", `${path}/${account.id}`, { token })).status, 204)
      assert.strictEqual((yield* ask("GET", hosts, { token: key })).status, 401)
      assert.strictEqual((yield* ask("GET", `${path}/${account.id}/keys`, { token })).status, 404)
    })
  )

  it.effect("never show a key or its hash again, but to the request that is repeated under its idempotency key", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const account = yield* makeAccount("shown once")
      const request = { token, body: { name: "once" }, headers: { "idempotency-key": "once-and-again" } }
      const first = yield* ask("POST", `${path}/${account.id}/keys`, request)
      const again = yield* ask("POST", `${path}/${account.id}/keys`, request)
      assert.strictEqual(first.body.data.key, again.body.data.key)
      const listed = yield* ask("GET", `${path}/${account.id}/keys`, { token })
      assert.strictEqual(listed.body.meta.total, 1)
      assert.notInclude(listed.text, first.body.data.key)
      assert.notMatch(listed.text, /hash|nxm_/)
    })
  )

  it.effect("tell a mistyped key from one that is not valid, and neither from one that was revoked", () =>
    Effect.gen(function* () {
      const account = yield* makeAccount("typos")
      const { key } = yield* makeKey(account.id)
      const flipped = key.replace(/.$/, (last) => (last === "0" ? "1" : "0"))
      for (const text of [flipped, key.slice(0, -1), `${key}0`, "nxm_", key.toUpperCase()]) {
        const answer = yield* ask("GET", hosts, { token: text })
        assert.strictEqual(answer.status, 401, text)
      }
      assert.include((yield* ask("GET", hosts, { token: flipped })).body.error.message, "mistyped")
    })
  )

  it.effect("say when a key was last used, to the hour, without an entry of the log for each request", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const account = yield* makeAccount("used")
      yield* bind(account.id, "viewer")
      const { key } = yield* makeKey(account.id)
      for (let time = 0; time < 5; time++) yield* ask("GET", hosts, { token: key })
      const before = Number((yield* ask("GET", hosts, { token: key })).headers.get("x-nxmesh-index"))
      const { flush } = yield* ApiKeyUses
      yield* flush
      yield* flush
      const listed = yield* ask("GET", `${path}/${account.id}/keys`, { token })
      assert.strictEqual(Number(listed.headers.get("x-nxmesh-index")), before + 1)
      assert.match(listed.body.data[0].last_used_at, /T\d\d:00:00\.000Z$/)
      assert.strictEqual(listed.body.data[0].last_used_from, "127.0.0.1")
    })
  )

  it.effect("are no people: what is about oneself is refused", () =>
    Effect.gen(function* () {
      const account = yield* makeAccount("no person")
      const { key } = yield* makeKey(account.id)
      assert.strictEqual((yield* ask("GET", "/api/v1/users/me", { token: key })).status, 403)
      assert.strictEqual((yield* ask("POST", "/api/v1/auth/logout", { token: key })).status, 403)
    })
  )

  it.effect("refuse a name that is taken, an organization that is not there, and the eleventh key", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const account = yield* makeAccount("unique")
      const same = yield* ask("POST", path, { token, body: { organization_id: null, name: "Unique" } })
      assert.strictEqual(same.status, 409, same.text)
      const organization_id = "0190a000-0000-7000-8000-0000000000ff"
      const nowhere = yield* ask("POST", path, { token, body: { organization_id, name: "nowhere" } })
      assert.strictEqual(nowhere.body.error.details[0].field, "organization_id", nowhere.text)
      for (let count = 0; count < 10; count++) yield* makeKey(account.id)
      const eleventh = yield* ask("POST", `${path}/${account.id}/keys`, { token, body: { name: "eleven" } })
      assert.strictEqual(eleventh.status, 409, eleventh.text)
    })
  )
})
