/** The API's part of issue 2, "Bad input": 4xx with the field named, and nothing changed. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Limits } from "@nxmesh/protocol/Limits"
import { type Ask, ask, login } from "./support/Client.ts"
import { encryptedKey, makeCertificate } from "./support/Certificates.ts"
import { makeWorkspace } from "./support/Fixtures.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const hosts = "/api/v1/virtual-hosts"

/** What the request was refused with; dies when it was not refused, or when it changed anything. */
const refusedWith = Effect.fnUntraced(function* (method: string, path: string, options: Ask) {
  const token = yield* login()
  const before = yield* ask("GET", "/api/v1/organizations", { token })
  const answer = yield* ask(method, path, { token, ...options })
  const after = yield* ask("GET", "/api/v1/organizations", { token })
  assert.isTrue(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`)
  assert.isString(answer.body?.error?.code, answer.text)
  const steps = Number(after.headers.get("x-nxmesh-index")) - Number(before.headers.get("x-nxmesh-index"))
  const fields: Array<string> = answer.body.error.details.map((detail: { field: string }) => detail.field)
  return { status: answer.status, code: answer.body.error.code as string, fields, steps, text: answer.text }
})

const expectField = Effect.fnUntraced(function* (body: unknown, field: string, status = 400, path = hosts) {
  const refusal = yield* refusedWith("POST", path, { body })
  assert.strictEqual(refusal.status, status, refusal.text)
  assert.include(refusal.fields, field, refusal.text)
  return refusal
})

layer(layerTestMaster, { excludeTestServices: true })("Bad input", (it) => {
  const plainHost = Effect.fnUntraced(function* () {
    const workspace_id = yield* makeWorkspace
    return {
      workspace_id,
      name: "site",
      server_name: "a.example.com",
      listen_port: 80,
      locations: [{ path: "/", proxy_pass: "http://127.0.0.1:9000" }]
    }
  })

  it.effect("refuses malformed JSON", () =>
    Effect.gen(function* () {
      for (const raw of ["{", '{"name": "a",}', "name=a", ""]) {
        const refusal = yield* refusedWith("POST", "/api/v1/organizations", { raw })
        assert.strictEqual(refusal.status, 400)
        assert.strictEqual(refusal.steps, 0)
        if (raw !== "") assert.strictEqual(refusal.code, "MALFORMED_REQUEST")
      }
    })
  )

  it.effect("refuses unknown fields and wrong types, naming each of them", () =>
    Effect.gen(function* () {
      const host = yield* plainHost()
      const refusal = yield* refusedWith("POST", hosts, {
        body: {
          ...host,
          colour: "red",
          listen_port: "80",
          locations: [{ path: "/", root: "/srv", extra: true }],
          target_agents: { scope: "everywhere" }
        }
      })
      assert.strictEqual(refusal.code, "VALIDATION_ERROR")
      assert.deepStrictEqual(refusal.fields.toSorted(), [
        "colour",
        "listen_port",
        "locations[0].extra",
        "target_agents"
      ])
      assert.strictEqual(refusal.steps, 0)
    })
  )

  it.effect("refuses half of a surrogate pair in every text, which UTF-8 could not keep", () =>
    Effect.gen(function* () {
      const host = yield* plainHost()
      const lone = (text: object) => JSON.stringify(text).replaceAll("LONE", "\\ud800")
      for (const [path, body, field] of [
        [hosts, { ...host, name: "aLONE" }, "name"],
        [hosts, { ...host, change_summary: "LONE" }, "change_summary"],
        [hosts, { ...host, snippet: "# LONE" }, "snippet"],
        [
          hosts,
          { ...host, locations: [{ path: "/", return: { status: 200, text: "LONE" } }] },
          "locations[0].return.text"
        ],
        ["/api/v1/organizations", { name: "LONE", slug: "lone" }, "name"],
        ["/api/v1/templates", { workspace_id: host.workspace_id, name: "t", source: "LONE" }, "source"],
        [
          "/api/v1/users",
          { email: "aLONE@b.example", name: "a", role: "viewer", password: "long enough for it" },
          "email"
        ]
      ] as const) {
        const refusal = yield* refusedWith("POST", path, { raw: lone(body) })
        assert.strictEqual(refusal.status, 400, refusal.text)
        assert.deepStrictEqual(refusal.fields, [field], refusal.text)
        assert.strictEqual(refusal.steps, 0)
      }
    })
  )

  it.effect("says what a body must be that is no object", () =>
    Effect.gen(function* () {
      for (const raw of ["[]", "null", "1", '"text"', "[".repeat(100_000) + "]".repeat(100_000)]) {
        const refusal = yield* refusedWith("POST", hosts, { raw })
        assert.strictEqual(refusal.status, 400)
        assert.include(refusal.text, "must be a JSON object")
      }
    })
  )

  it.effect("refuses a field that the master sets", () =>
    Effect.gen(function* () {
      const host = yield* plainHost()
      for (const field of ["id", "revision", "created_at"]) yield* expectField({ ...host, [field]: 1 }, field)
    })
  )

  it.effect("refuses oversized bodies, announced or not", () =>
    Effect.gen(function* () {
      const big = JSON.stringify({ name: "x".repeat(Limits.requestBodyBytesMax), slug: "x" })
      const announced = yield* refusedWith("POST", "/api/v1/organizations", { raw: big })
      assert.strictEqual(announced.status, 413)
      assert.strictEqual(announced.code, "PAYLOAD_TOO_LARGE")
      const stream = new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode(big))
          controller.close()
        }
      })
      const streamed = yield* refusedWith("POST", "/api/v1/organizations", { raw: stream })
      assert.strictEqual(streamed.status, 413)
    })
  )

  it.effect("refuses a body that is not JSON by its type", () =>
    Effect.gen(function* () {
      const refusal = yield* refusedWith("POST", "/api/v1/organizations", {
        raw: "name=a",
        headers: { "content-type": "application/x-www-form-urlencoded" }
      })
      assert.deepInclude(refusal, { status: 415, code: "UNSUPPORTED_MEDIA_TYPE", steps: 0 })
    })
  )

  it.effect("refuses invalid domains, ports out of range and a host without a location", () =>
    Effect.gen(function* () {
      const host = yield* plainHost()
      for (const server_name of ["", "a b", "exa mple.com", "-a.com", "a..b", "a;b", "*.*.com"]) {
        yield* expectField({ ...host, server_name }, "server_name")
      }
      for (const listen_port of [0, -1, 65_536, 1.5]) yield* expectField({ ...host, listen_port }, "listen_port")
      yield* expectField({ ...host, locations: [] }, "locations")
    })
  )

  it.effect("refuses characters that would end or add a directive, in the fields that reach nginx", () =>
    Effect.gen(function* () {
      const host = yield* plainHost()
      for (const hostile of ["a;b", "a{b", "a}b", "a\nb", "a\u0000b", "a\u2028b"]) {
        yield* expectField({ ...host, server_name: hostile }, "server_name")
        const location = { path: "/", return: { status: 302, text: "/" } }
        yield* expectField(
          { ...host, locations: [{ ...location, custom_headers: [{ name: hostile, value: "x" }] }] },
          "locations[0].custom_headers[0].name"
        )
        yield* expectField({ ...host, template: hostile }, "template")
      }
      yield* expectField({ ...host, name: "a\nb" }, "name")
      yield* expectField(
        { ...host, locations: [{ path: "/", proxy_pass: "http://127.0.0.1:80/;}\n" }] },
        "locations[0].proxy_pass"
      )
    })
  )

  it.effect("refuses a missing certificate, and one of nobody", () =>
    Effect.gen(function* () {
      const host = { ...(yield* plainHost()), listen_port: 443, ssl_enabled: true }
      yield* expectField(host, "ssl_certificate_id")
      yield* expectField({ ...host, ssl_certificate_id: "0190a000-0000-7000-8000-00000000dead" }, "ssl_certificate_id")
    })
  )

  it.effect("refuses a key that does not match, an encrypted key, and what is no certificate", () =>
    Effect.gen(function* () {
      const workspace_id = yield* makeWorkspace
      const path = "/api/v1/certificates"
      const one = yield* makeCertificate("one.example.com")
      const two = yield* makeCertificate("two.example.com")
      const base = { workspace_id, name: "c", ...one }
      yield* expectField({ ...base, private_key_pem: two.private_key_pem }, "private_key_pem", 400, path)
      yield* expectField({ ...base, private_key_pem: yield* encryptedKey }, "private_key_pem", 400, path)
      yield* expectField({ ...base, certificate_pem: "not a certificate" }, "certificate_pem", 400, path)
    })
  )

  it.effect("refuses hosts that clash, and TLS beside plain on one port", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const host = yield* plainHost()
      const { workspace_id } = host
      const agent = yield* ask("POST", "/api/v1/agents", { token, body: { workspace_id, name: "edge" } })
      assert.strictEqual(agent.status, 201, agent.text)
      const first = yield* ask("POST", hosts, { token, body: host })
      assert.strictEqual(first.status, 201, first.text)
      const twin = yield* refusedWith("POST", hosts, { body: { ...host, name: "twin" } })
      assert.deepInclude(twin, { status: 409, code: "CLASH" })
      assert.include(twin.fields, "server_name")
      const pair = yield* makeCertificate("b.example.com")
      const certificate = yield* ask("POST", "/api/v1/certificates", {
        token,
        body: { workspace_id, name: "c", ...pair }
      })
      assert.strictEqual(certificate.status, 201, certificate.text)
      const mixed = yield* refusedWith("POST", hosts, {
        body: {
          ...host,
          server_name: "b.example.com",
          ssl_enabled: true,
          ssl_certificate_id: certificate.body.data.id
        }
      })
      assert.deepInclude(mixed, { status: 409, code: "CLASH" })
    })
  )

  it.effect("refuses a template with a syntax error or an endless partial, and a broken or forbidden snippet", () =>
    Effect.gen(function* () {
      const host = yield* plainHost()
      const template = { workspace_id: host.workspace_id, name: "own" }
      const path = "/api/v1/templates"
      yield* expectField({ ...template, source: "server { {{#if}} }" }, "source", 400, path)
      yield* expectField({ ...template, source: "{{> own}}" }, "source", 400, path)
      yield* expectField({ ...host, snippet: "location / {" }, "snippet")
      yield* expectField({ ...host, snippet: "load_module modules/x.so;" }, "snippet")
      yield* expectField({ ...host, locations: [{ path: "/", root: "/srv", snippet: "}" }] }, "locations[0].snippet")
    })
  )

  it.effect("names the field of a health check that no agent could carry out", () =>
    Effect.gen(function* () {
      const workspace_id = yield* makeWorkspace
      const body = { workspace_id, name: "pool", servers: [{ address: "127.0.0.1:80" }] }
      for (const [health_check, field] of [
        [{ type: "udp" }, "health_check.type"],
        [{ type: "tcp", path: "/up" }, "health_check.path"],
        [{ type: "http", path: "up" }, "health_check.path"],
        [{ type: "http", path: "/a b" }, "health_check.path"],
        [{ type: "http", path: "/x\r\nHost: y" }, "health_check.path"],
        [{ type: "http", path: "/x#y" }, "health_check.path"],
        [{ type: "http", path: "/ü" }, "health_check.path"],
        [{ type: "http", interval_seconds: 0 }, "health_check.interval_seconds"],
        [{ type: "http", timeout_seconds: 61 }, "health_check.timeout_seconds"],
        [{ type: "http", healthy_threshold: 0 }, "health_check.healthy_threshold"],
        [{ type: "http", unhealthy_threshold: 101 }, "health_check.unhealthy_threshold"]
      ] as const) {
        yield* expectField({ ...body, health_check }, field, 400, "/api/v1/upstreams")
      }
    })
  )

  it.effect("refuses unknown filters, sort columns and pages out of range by name", () =>
    Effect.gen(function* () {
      for (const [query, field] of [
        ["flavour=x", "flavour"],
        ["sort=password_hash", "sort"],
        ["page=0", "page"],
        ["per_page=100000", "per_page"],
        ["page=one", "page"]
      ] as const) {
        const refusal = yield* refusedWith("GET", `/api/v1/users?${query}`, {})
        assert.deepInclude(refusal, { status: 400, code: "VALIDATION_ERROR" })
        assert.include(refusal.fields, field, refusal.text)
      }
    })
  )

  it.effect("answers 404 to an unknown path or id, 405 to a method, 400 to an id that is none", () =>
    Effect.gen(function* () {
      const id = "0190a000-0000-7000-8000-00000000dead"
      const about = (method: string, path: string) => Effect.map(refusedWith(method, path, {}), ({ code }) => code)
      assert.strictEqual(yield* about("GET", "/api/v1/nothing"), "NOT_FOUND")
      assert.strictEqual(yield* about("GET", `/api/v1/virtual-hosts/${id}`), "NOT_FOUND")
      assert.strictEqual(yield* about("PUT", "/api/v1/organizations"), "METHOD_NOT_ALLOWED")
      assert.strictEqual(yield* about("GET", "/api/v1/virtual-hosts/1"), "VALIDATION_ERROR")
    })
  )
})
