/** Every endpoint of the API against every role, and against nobody. */
import { demandOf } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { permits, Role } from "@nxmesh/protocol/model/Permission"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { HttpApi } from "effect/http-api"
import { ask, login, loginAs } from "./support/Client.ts"
import { makeHost } from "./support/Fixtures.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const nobodysId = "0190a000-0000-7000-8000-0000000000ff"

const endpoints: Array<{ method: string; path: string; demand: ReturnType<typeof demandOf> }> = []
HttpApi.reflect(NxMeshApi, {
  onGroup: () => undefined,
  onEndpoint: ({ endpoint, group }) => {
    const path = endpoint.path
      .replace(/\/$/, "")
      .replace(":version", "1")
      .replace(/:\w+/g, nobodysId)
      .replace(/\/diff$/, "/diff?from=1&to=2")
    endpoints.push({ method: endpoint.method, path, demand: demandOf(endpoint, group) })
  }
})

const bodyOf = (method: string) => (method === "POST" || method === "PATCH" ? { body: {} } : {})
const name = ({ method, path }: { method: string; path: string }) => `${method} ${path}`
const guarded = endpoints.filter(({ demand }) => demand !== null)
const password = "a password of some length"

const person = Effect.fnUntraced(function* (role: Role) {
  const token = yield* login()
  const email = `${role}.role@example.com`
  const created = yield* ask("POST", "/api/v1/users", { token, body: { email, name: role, role, password } })
  assert.strictEqual(created.status, 201, created.text)
  return yield* loginAs(email, password)
})

layer(layerTestMaster, { excludeTestServices: true })("Permissions", (it) => {
  it.effect("no endpoint but the public ones answers without a token, or with a wrong one", () =>
    Effect.gen(function* () {
      const open: Array<string> = []
      for (const endpoint of guarded) {
        for (const token of [undefined, "x", "eyJhbGciOiJub25lIn0.e30."]) {
          const answer = yield* ask(endpoint.method, endpoint.path, { token, ...bodyOf(endpoint.method) })
          if (answer.status !== 401 || answer.body?.error?.code !== "UNAUTHENTICATED") {
            open.push(`${name(endpoint)}: ${answer.status} ${answer.text}`)
          }
        }
      }
      assert.deepStrictEqual(open, [])
    })
  )

  for (const role of Role.literals) {
    it.effect(`${role}: every endpoint answers as its permission says`, () =>
      Effect.gen(function* () {
        const token = yield* person(role)
        const wrong: Array<string> = []
        for (const endpoint of guarded) {
          if (endpoint.path.endsWith("/auth/logout")) continue
          const allowed =
            endpoint.demand === "authenticated" ||
            (endpoint.demand !== null && endpoint.demand !== undefined && permits(role, endpoint.demand))
          const answer = yield* ask(endpoint.method, endpoint.path, { token, ...bodyOf(endpoint.method) })
          const refused = answer.status === 403 && answer.body?.error?.code === "FORBIDDEN"
          if (refused === allowed || answer.status === 401 || answer.status >= 500) {
            wrong.push(`${name(endpoint)}: ${answer.status} ${answer.text}`)
          }
        }
        assert.deepStrictEqual(wrong, [])
      })
    )
  }

  it.effect("raw directives need config:snippet, which an operator lacks, and stay when they stay as they are", () =>
    Effect.gen(function* () {
      const admin = yield* login()
      const email = "snippets@example.com"
      yield* ask("POST", "/api/v1/users", { token: admin, body: { email, name: "O", role: "operator", password } })
      const operator = yield* loginAs(email, password)
      const host = yield* makeHost({ snippet: "add_header X-A 1;" })
      const path = `/api/v1/virtual-hosts/${host.id}`
      const renamed = yield* ask("PATCH", path, { token: operator, body: { name: "renamed" } })
      assert.strictEqual(renamed.status, 200, renamed.text)
      const rewritten = yield* ask("PATCH", path, { token: operator, body: { snippet: "add_header X-B 1;" } })
      assert.strictEqual(rewritten.status, 403, rewritten.text)
      assert.include(rewritten.text, "config:snippet")
    })
  )
})
