import { arrivedByHttps } from "@nxmesh/master/api/RefreshCookie"
import { assert, describe, layer, test } from "@effect/vitest"
import { Effect } from "effect"
import { type Answer, ask } from "./support/Client.ts"
import { adminEmail, adminPassword, layerTestMaster } from "./support/TestMaster.ts"

const cookieOf = ({ headers }: Answer): string =>
  headers.getSetCookie().find((text) => text.startsWith("nxmesh_refresh=")) ?? ""
const pairOf = (answer: Answer): string => cookieOf(answer).split(";", 1)[0] ?? ""
const login = ask("POST", "/api/v1/auth/login", {
  body: { email: adminEmail, password: adminPassword, refresh_cookie: true }
})
const refresh = (cookie: string, headers: Readonly<Record<string, string>> = {}) =>
  ask("POST", "/api/v1/auth/refresh", { body: {}, headers: { cookie, ...headers } })

layer(layerTestMaster, { excludeTestServices: true })("The refresh cookie", (it) => {
  it.effect("holds the refresh token out of the reach of scripts, for the paths of auth alone", () =>
    Effect.gen(function* () {
      const answer = yield* login
      assert.strictEqual(answer.status, 200, answer.text)
      assert.isNull(answer.body.data.refresh_token)
      const attributes = cookieOf(answer)
        .split("; ")
        .slice(1)
        .map((text) => text.toLowerCase())
        .toSorted()
      assert.deepStrictEqual(attributes, ["httponly", "max-age=604800", "path=/api/v1/auth", "samesite=strict"])
    })
  )

  it.effect("is good for one refresh, which sets the next", () =>
    Effect.gen(function* () {
      const first = yield* login
      const second = yield* refresh(pairOf(first))
      assert.strictEqual(second.status, 200, second.text)
      assert.isNull(second.body.data.refresh_token)
      assert.notStrictEqual(pairOf(second), pairOf(first))
      assert.strictEqual((yield* refresh(pairOf(second))).status, 200)
    })
  )

  it.effect("is not heard when a page of another origin has it sent", () =>
    Effect.gen(function* () {
      const first = yield* login
      for (const site of ["cross-site", "same-site"]) {
        const answer = yield* refresh(pairOf(first), { "sec-fetch-site": site })
        assert.strictEqual(answer.status, 401, site)
        assert.strictEqual(cookieOf(answer), "")
      }
      assert.strictEqual((yield* refresh(pairOf(first), { "sec-fetch-site": "same-origin" })).status, 200)
    })
  )

  it.effect("is cleared by the logout, and the session is over", () =>
    Effect.gen(function* () {
      const first = yield* login
      const token: string = first.body.data.access_token
      const gone = yield* ask("POST", "/api/v1/auth/logout", { token })
      assert.strictEqual(gone.status, 204, gone.text)
      assert.match(cookieOf(gone), /^nxmesh_refresh=;/)
      assert.match(cookieOf(gone), /Max-Age=0/i)
      assert.strictEqual((yield* refresh(pairOf(first))).status, 401)
    })
  )

  it.effect("must be there when the body has no token", () =>
    Effect.gen(function* () {
      const answer = yield* ask("POST", "/api/v1/auth/refresh", { body: {} })
      assert.strictEqual(answer.status, 401)
      assert.include(answer.body.error.message, "refresh_token")
    })
  )
})

describe("Whether a browser sees https", () => {
  const isProxy = (address: string) => address === "10.0.0.1"
  const plain = { encrypted: false, peer: "10.0.0.1", forwardedProto: undefined }
  test.each([
    [{ ...plain }, false],
    [{ ...plain, encrypted: true }, true],
    [{ ...plain, forwardedProto: "https" }, true],
    [{ ...plain, forwardedProto: "HTTPS, http" }, true],
    [{ ...plain, forwardedProto: "http, https" }, false],
    [{ ...plain, forwardedProto: "httpsx" }, false],
    [{ ...plain, peer: "10.0.0.2", forwardedProto: "https" }, false],
    [{ ...plain, peer: undefined, forwardedProto: "https" }, false]
  ])("%o: %o", (arrival, expected) => assert.strictEqual(arrivedByHttps(arrival, isProxy), expected))
})
