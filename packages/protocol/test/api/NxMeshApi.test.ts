import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
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
      [
        "POST /api/v1/auth/password",
        "POST /api/v1/auth/login",
        "POST /api/v1/auth/refresh",
        "GET /.well-known/jwks.json"
      ]
    )
  })

  it("documents every endpoint with what it demands, as OpenAPI 3.1", () => {
    const spec = OpenApi.fromApi(NxMeshApi)
    assert.isTrue(spec.openapi.startsWith("3.1"))
    const operations = Object.values(spec.paths).flatMap((path) => Object.values(path))
    assert.strictEqual(operations.length, endpoints().length)
    assert.isTrue(operations.every((operation) => "x-permission" in operation))
    assert.deepStrictEqual(
      operations.flatMap((operation) =>
        (operation as any).summary === undefined ? [(operation as any).operationId] : []
      ),
      []
    )
  })

  it("has examples that its own schemas accept", () => {
    const strict = { errors: "all", onExcessProperty: "error" } as const
    const examples: Array<string> = []
    HttpApi.reflect(NxMeshApi, {
      onGroup: () => undefined,
      onEndpoint: ({ endpoint, group }) => {
        const path = endpoint.path.replace(/\/$/, "")
        const operation = OpenApi.fromApi(NxMeshApi).paths[path]?.post as any
        const example =
          endpoint.method === "POST" ? operation?.requestBody?.content["application/json"].example : undefined
        if (example === undefined) return
        examples.push(group.identifier)
        const schema = endpoint.payload.get("application/json")?.schemas[0]
        const result = Schema.decodeUnknownResult(schema as Schema.Codec<unknown>, strict)(example)
        assert.isTrue(Result.isSuccess(result), `${path}: ${JSON.stringify(example)}`)
      }
    })
    assert.isAtLeast(examples.length, 9)
  })

  it("documents the ETag of single resources and the Location of new ones", () => {
    const paths = OpenApi.fromApi(NxMeshApi).paths as any
    assert.property(paths["/api/v1/virtual-hosts/{id}"].get.responses["200"].headers, "etag")
    assert.property(paths["/api/v1/virtual-hosts"].post.responses["201"].headers, "location")
  })
})
