/** Probes, metrics, documentation, sessions, users, and what the log says of requests. */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ask, login, loginAs } from "./support/Client.ts"
import { makeWorkspace } from "./support/Fixtures.ts"
import { adminEmail, adminPassword, defectiveLabel, layerTestMaster, TestLog } from "./support/TestMaster.ts"

const promtool = "/usr/bin/promtool"

layer(layerTestMaster, { excludeTestServices: true })("Operations", (it) => {
  it.effect("probes answer, and metrics are clean by promtool", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask("GET", "/healthz")).status, 200)
      assert.strictEqual((yield* ask("GET", "/readyz")).body.status, "ready")
      yield* ask("GET", "/api/v1/organizations")
      const metrics = yield* ask("GET", "/metrics")
      assert.match(metrics.headers.get("content-type") ?? "", /^text\/plain/)
      assert.match(
        metrics.text,
        /nxmesh_master_http_requests_total\{method="GET",route="\/api\/v1\/organizations",status="401"\} 1/
      )
      if (existsSync(promtool)) execFileSync(promtool, ["check", "metrics"], { input: metrics.text })
    })
  )

  it.effect("documentation is there, and needs nothing from other hosts", () =>
    Effect.gen(function* () {
      const spec = yield* ask("GET", "/api/v1/openapi.json")
      assert.match(spec.body.openapi, /^3\.1/)
      assert.strictEqual(spec.body.paths["/api/v1/virtual-hosts"].post["x-permission"], "config:write")
      const docs = yield* ask("GET", "/api/docs")
      assert.match(docs.headers.get("content-type") ?? "", /^text\/html/)
      assert.notMatch(docs.text, /<(script|link|img)[^>]+(src|href)="?https?:/)
      assert.match(docs.headers.get("content-security-policy") ?? "", /script-src 'self'/)
    })
  )

  it.effect("login, refresh, reuse and logout", () =>
    Effect.gen(function* () {
      const wrong = yield* ask("POST", "/api/v1/auth/login", {
        body: { email: adminEmail, password: "not the password" }
      })
      assert.strictEqual(wrong.status, 401, wrong.text)
      const first = yield* ask("POST", "/api/v1/auth/login", { body: { email: adminEmail, password: adminPassword } })
      assert.strictEqual(first.headers.get("cache-control"), "no-store")
      const { access_token, refresh_token } = first.body.data
      const second = yield* ask("POST", "/api/v1/auth/refresh", { body: { refresh_token } })
      assert.strictEqual(second.status, 200, second.text)
      assert.notStrictEqual(second.body.data.refresh_token, refresh_token)
      const token = second.body.data.access_token
      assert.strictEqual((yield* ask("GET", "/api/v1/users/me", { token })).body.data.email, adminEmail)
      assert.strictEqual((yield* ask("POST", "/api/v1/auth/logout", { token })).status, 204)
      assert.strictEqual((yield* ask("GET", "/api/v1/users/me", { token })).status, 401)
      assert.strictEqual((yield* ask("GET", "/api/v1/users/me", { token: access_token })).status, 401)
      const keys = yield* ask("GET", "/.well-known/jwks.json")
      assert.strictEqual(keys.body.keys[0].kty, "RSA")
      assert.notProperty(keys.body.keys[0], "d")
    })
  )

  it.effect("every 401 says how to authenticate, and why a token did not serve", () =>
    Effect.gen(function* () {
      const without = yield* ask("GET", "/api/v1/users/me")
      assert.strictEqual(without.headers.get("www-authenticate"), 'Bearer realm="nxmesh"')
      assert.include(without.body.error.message, "/api/v1/auth/login")
      const junk = yield* ask("GET", "/api/v1/users/me", { token: "junk" })
      assert.strictEqual(junk.headers.get("www-authenticate"), 'Bearer realm="nxmesh", error="invalid_token"')
      const body = { email: adminEmail, password: "not the password" }
      const login = yield* ask("POST", "/api/v1/auth/login", { body })
      assert.strictEqual(login.headers.get("www-authenticate"), 'Bearer realm="nxmesh"')
    })
  )

  it.effect("people change their own password, and no answer holds its hash", () =>
    Effect.gen(function* () {
      const admin = yield* login()
      const email = "ada@example.com"
      const password = "an old long password"
      const body = { email, name: "Ada", role: "viewer", password }
      const created = yield* ask("POST", "/api/v1/users", { token: admin, body })
      assert.strictEqual(created.status, 201, created.text)
      const token = yield* loginAs(email, password)
      const wrong = yield* ask("POST", "/api/v1/users/me/password", {
        token,
        body: { current_password: "not the password", new_password: "a new long password" }
      })
      assert.strictEqual(wrong.body.error.details[0].field, "current_password")
      const changed = yield* ask("POST", "/api/v1/users/me/password", {
        token,
        body: { current_password: password, new_password: "a new long password" }
      })
      assert.strictEqual(changed.status, 204, changed.text)
      assert.strictEqual((yield* ask("GET", "/api/v1/users/me", { token })).status, 200)
      yield* loginAs(email, "a new long password")
      const listed = yield* ask("GET", "/api/v1/users", { token: admin })
      assert.notMatch(listed.text + created.text, /argon2|password/)
    })
  )

  it.effect("every request is one log line with its template, and no secret is logged", () =>
    Effect.gen(function* () {
      const { lines } = yield* TestLog
      const token = yield* login()
      const id = "0190a000-0000-7000-8000-00000000dead"
      const answer = yield* ask("GET", `/api/v1/agents/${id}`, { token })
      const me = yield* ask("GET", "/api/v1/users/me", { token })
      const requestId = answer.headers.get("x-request-id")
      const record = lines.map((line) => JSON.parse(line)).find(({ fields }) => fields.request_id === requestId)
      assert.deepInclude(record, { level: "INFO", component: "master", message: "request" })
      assert.match(record.trace_id, /^[0-9a-f]{32}$/)
      assert.deepInclude(record.fields, {
        method: "GET",
        path: "/api/v1/agents/:id",
        status: 404,
        principal: me.body.data.id
      })
      assert.isNumber(record.fields.duration_ms)
      assert.isFalse(lines.some((line) => line.includes(adminPassword) || line.includes(token)))
    })
  )

  it.effect("behind a trusted proxy the log names who asked", () =>
    Effect.gen(function* () {
      const { lines } = yield* TestLog
      const headers = { "x-forwarded-for": "198.51.100.1, 203.0.113.9" }
      const answer = yield* ask("GET", "/api/v1/users/me", { headers })
      const requestId = answer.headers.get("x-request-id") ?? ""
      const record = lines.map((line) => JSON.parse(line)).find(({ fields }) => fields.request_id === requestId)
      assert.strictEqual(record.fields.remote_address, "203.0.113.9")
    })
  )

  it.effect("a defect answers 500 with an id, and only the log tells more", () =>
    Effect.gen(function* () {
      const { lines } = yield* TestLog
      const token = yield* login()
      const workspace_id = yield* makeWorkspace
      const body = { workspace_id, name: "edge", labels: { [defectiveLabel]: "yes" } }
      const agent = yield* ask("POST", "/api/v1/agents", { token, body })
      const answer = yield* ask("POST", `/api/v1/agents/${agent.body.data.id}/deploy`, { token })
      assert.strictEqual(answer.status, 500)
      assert.strictEqual(answer.body.error.code, "INTERNAL_ERROR")
      const requestId = answer.headers.get("x-request-id") ?? ""
      assert.include(answer.body.error.message, requestId)
      assert.notMatch(answer.text, /planted|secret|\.ts/)
      const told = lines.filter((line) => line.includes(requestId) && line.includes("planted defect"))
      assert.lengthOf(told, 1)
    })
  )
})
