import { assert, describe, it } from "@effect/vitest"
import { HttpApi, OpenApi } from "effect/http-api"
import { Authentication, demandOf } from "../../src/api/Authentication.ts"
import { NxMeshApi } from "../../src/api/NxMeshApi.ts"

const endpoints = () => {
  const all: Array<{ name: string; demand: ReturnType<typeof demandOf>; authenticated: boolean }> = []
  HttpApi.reflect(NxMeshApi, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint, group, middleware }) => {
      all.push({
        name: `${endpoint.method} ${endpoint.path}`,
        demand: demandOf(endpoint, group),
        authenticated: [...middleware].some(({ key }) => key === Authentication.key)
      })
    }
  })
  return all
}

describe("NxMeshApi", () => {
  it("has a demand on every endpoint", () => {
    assert.deepStrictEqual(
      endpoints().filter(({ demand }) => demand === undefined),
      []
    )
  })

  it("authenticates every endpoint that is not public, and no other", () => {
    assert.deepStrictEqual(
      endpoints().filter(({ authenticated, demand }) => authenticated === (demand === null)),
      []
    )
    assert.deepStrictEqual(
      endpoints().flatMap(({ demand, name }) => (demand === null ? [name] : [])),
      ["POST /api/v1/auth/login", "POST /api/v1/auth/refresh", "GET /.well-known/jwks.json"]
    )
  })

  it("documents every endpoint with what it demands, as OpenAPI 3.1", () => {
    const spec = OpenApi.fromApi(NxMeshApi)
    assert.isTrue(spec.openapi.startsWith("3.1"))
    const operations = Object.values(spec.paths).flatMap((path) => Object.values(path))
    assert.strictEqual(operations.length, endpoints().length)
    assert.isTrue(operations.every((operation) => "x-permission" in operation))
  })
})
