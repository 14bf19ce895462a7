/** Who gets as far as a handler: lists of addresses, limits, and the headers that every answer has. */
import { networkSettingsDefault, type RateLimits } from "@nxmesh/protocol/model/NetworkSettings"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { isOwnMachine } from "../../src/api/OwnMachine.ts"
import { Commands } from "../../src/command/Commands.ts"
import { ask, login } from "./support/Client.ts"
import { layerTestMaster, TestLog, TestMaster } from "./support/TestMaster.ts"

const from = (address: string) => ({ "x-forwarded-for": address })

/** From the machine itself, which no list and no limit of an address keeps out. */
const settings = (network: unknown) =>
  Effect.gen(function* () {
    const answer = yield* ask("PATCH", "/api/v1/settings", { token: yield* login(), body: { network } })
    assert.strictEqual(answer.status, 200, answer.text)
  })

/** With these settings for the time of the test. */
const under = <A, E, R>(network: unknown, test: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    settings(network),
    () => test,
    () => Effect.orDie(settings(null))
  )

const limits = (over: { readonly [By in "address" | "principal"]?: Partial<RateLimits["address"]> }) => {
  const { rate_limits } = networkSettingsDefault
  return {
    rate_limits: {
      enabled: true,
      address: { ...rate_limits.address, ...over.address },
      principal: { ...rate_limits.principal, ...over.principal }
    }
  }
}

layer(layerTestMaster, { excludeTestServices: true })("the door of the API", (it) => {
  it.effect("keeps out who is not on the list, before anybody looks at a token, and lets probes through", () =>
    under(
      { api_allowlist: ["10.0.0.0/8", "2001:db8::/32"] },
      Effect.gen(function* () {
        const token = yield* login()
        const status = (address: string, path = "/api/v1/agents") =>
          Effect.map(ask("GET", path, { token, headers: from(address) }), (answer) => answer.status)
        assert.strictEqual(yield* status("10.1.2.3"), 200)
        assert.strictEqual(yield* status("2001:db8::7"), 200)
        assert.strictEqual(yield* status("192.0.2.1"), 403)
        assert.strictEqual(yield* status("192.0.2.1", "/"), 403)
        assert.strictEqual(yield* status("192.0.2.1", "/healthz"), 200)
        const refused = yield* ask("POST", "/api/v1/auth/login", { body: {}, headers: from("192.0.2.1") })
        assert.deepStrictEqual([refused.status, refused.body.error.code], [403, "FORBIDDEN"])
        assert.include(refused.body.error.message, "192.0.2.1")
        // Who is on the machine is not kept out; who says that somebody else asks is not on the machine.
        assert.strictEqual((yield* ask("GET", "/api/v1/agents", { token })).status, 200)
        assert.strictEqual((yield* ask("GET", "/api/v1/agents", { token, headers: { via: "1.1 proxy" } })).status, 403)
      })
    )
  )

  it.effect("refuses what is too much of one address with when to come back, and nobody else", () =>
    under(
      limits({ address: { read: { per_second: 0.1, burst: 3 } } }),
      Effect.gen(function* () {
        const token = yield* login()
        const get = (address: string) => ask("GET", "/api/v1/agents", { token, headers: from(address) })
        for (let left = 2; left >= 0; left--) {
          const answer = yield* get("192.0.2.10")
          assert.strictEqual(answer.status, 200)
          assert.include(answer.headers.get("ratelimit"), `"address-read";r=${left}`)
          assert.include(answer.headers.get("ratelimit-policy"), '"address-read";q=3;w=30')
        }
        const refused = yield* get("192.0.2.10")
        assert.deepStrictEqual([refused.status, refused.body.error.code], [429, "TOO_MANY_REQUESTS"])
        assert.isAtLeast(Number(refused.headers.get("retry-after")), 1)
        assert.strictEqual((yield* get("192.0.2.11")).status, 200)
        assert.strictEqual((yield* ask("GET", "/healthz", { headers: from("192.0.2.10") })).status, 200)
      })
    )
  )

  it.effect("refuses what is too much of one person from wherever it comes, and counts classes by themselves", () =>
    under(
      limits({ principal: { expensive: { per_second: 0.1, burst: 2 } } }),
      Effect.gen(function* () {
        const token = yield* login()
        const preview = (address: string) =>
          ask("GET", "/api/v1/agents/0190a000-0000-7000-8000-0000000000ff/preview", { token, headers: from(address) })
        for (const address of ["192.0.2.20", "192.0.2.21"]) assert.strictEqual((yield* preview(address)).status, 404)
        const refused = yield* preview("192.0.2.22")
        assert.deepStrictEqual([refused.status, refused.body.error.code], [429, "TOO_MANY_REQUESTS"])
        assert.include(refused.headers.get("ratelimit"), '"principal-expensive";r=0')
        assert.isAtLeast(Number(refused.headers.get("retry-after")), 1)
        assert.strictEqual((yield* ask("GET", "/api/v1/agents", { token })).status, 200)
      })
    )
  )

  it.effect("counts guesses of passwords by address, and a /64 as one", () =>
    under(
      limits({ address: { login: { per_second: 0.1, burst: 2 } } }),
      Effect.gen(function* () {
        const guess = (address: string) =>
          Effect.map(ask("POST", "/api/v1/auth/login", { body: {}, headers: from(address) }), ({ status }) => status)
        assert.deepStrictEqual(
          [yield* guess("2001:db8::1"), yield* guess("2001:db8::2"), yield* guess("2001:db8::3")],
          [400, 400, 429]
        )
        assert.strictEqual(yield* guess("2001:db8:0:1::1"), 400)
      })
    )
  )

  it.effect("counts nothing when limits are off", () =>
    under(
      { rate_limits: { ...limits({ address: { read: { per_second: 0.1, burst: 1 } } }).rate_limits, enabled: false } },
      Effect.gen(function* () {
        for (let asked = 0; asked < 3; asked++) {
          const answer = yield* ask("GET", "/nothing", { headers: from("192.0.2.30") })
          assert.deepStrictEqual([answer.status, answer.headers.get("ratelimit")], [404, null])
        }
      })
    )
  )

  it.effect("writes a bounded number of lines about a flood, and counts all of it", () =>
    under(
      limits({ address: { read: { per_second: 0.01, burst: 1 } } }),
      Effect.gen(function* () {
        const { lines } = yield* TestLog
        const { origin } = yield* TestMaster
        const linesAbout = () => lines.filter((line) => line.includes("192.0.2.40")).length
        const count = 200
        yield* Effect.forEach(
          Array.from({ length: count }),
          () => Effect.promise(() => fetch(`${origin}/flood`, { headers: from("192.0.2.40") }).then((r) => r.text())),
          { concurrency: 16, discard: true }
        )
        assert.isBelow(linesAbout(), 180)
        const { text } = yield* ask("GET", "/metrics")
        const counted = /nxmesh_master_http_rate_limited_total\{by="address",class="read"\} (\d+)/.exec(text)
        assert.isAtLeast(Number(counted?.[1]), count - 10)
      })
    )
  )

  it.effect("adds what browsers need to every answer, and HSTS where it came by https", () =>
    Effect.gen(function* () {
      yield* Commands
      for (const path of ["/api/v1/agents", "/nothing", "/healthz", "/metrics", "/api/docs"]) {
        const { headers } = yield* ask("GET", path)
        assert.include(headers.get("content-security-policy"), "frame-ancestors 'none'", path)
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff", path)
        assert.strictEqual(headers.get("referrer-policy"), "no-referrer", path)
        assert.strictEqual(headers.get("cross-origin-resource-policy"), "same-origin", path)
        assert.strictEqual(headers.get("cross-origin-opener-policy"), "same-origin", path)
        assert.strictEqual(headers.get("strict-transport-security"), null, path)
      }
      const secure = yield* ask("GET", "/nothing", { headers: { "x-forwarded-proto": "https" } })
      assert.strictEqual(secure.headers.get("strict-transport-security"), "max-age=31536000")
    })
  )

  it.effect("knows who is on the machine of the master", () =>
    Effect.sync(() => {
      const own = isOwnMachine
      assert.isTrue(own("127.0.0.1", { remoteAddress: "::ffff:127.0.0.1" }, {}))
      assert.isTrue(own("192.0.2.5", { remoteAddress: "192.0.2.5", localAddress: "::ffff:192.0.2.5" }, {}))
      assert.isFalse(own("192.0.2.6", { remoteAddress: "192.0.2.6", localAddress: "192.0.2.5" }, {}))
      assert.isFalse(own("192.0.2.6", { remoteAddress: "127.0.0.1" }, {}))
      assert.isFalse(own("127.0.0.1", { remoteAddress: "127.0.0.1" }, { "x-real-ip": "192.0.2.1" }))
      assert.isFalse(own(null, {}, {}))
    })
  )
})
