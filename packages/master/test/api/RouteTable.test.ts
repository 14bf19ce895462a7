import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { assert, describe, it } from "@effect/vitest"
import { apiRoutes, makeRouteTable } from "../../src/api/RouteTable.ts"

const find = makeRouteTable([...apiRoutes(NxMeshApi), { method: "GET", template: "/healthz" }])
const id = "0190a000-0000-7000-8000-000000000001"

describe("RouteTable", () => {
  it("finds the template of a path", () => {
    assert.deepStrictEqual(find("GET", "/healthz"), { _tag: "Found", template: "/healthz" })
    assert.deepStrictEqual(find("GET", "/api/v1/agents"), { _tag: "Found", template: "/api/v1/agents" })
    assert.deepStrictEqual(find("DELETE", `/api/v1/agents/${id}/tokens/${id}`), {
      _tag: "Found",
      template: "/api/v1/agents/:id/tokens/:token_id"
    })
  })

  it("prefers a literal segment to a parameter, and takes HEAD for GET", () => {
    assert.deepStrictEqual(find("HEAD", "/api/v1/users/me"), { _tag: "Found", template: "/api/v1/users/me" })
    assert.deepStrictEqual(find("GET", `/api/v1/users/${id}`), { _tag: "Found", template: "/api/v1/users/:id" })
  })

  it("tells a path with other methods from no path", () => {
    assert.deepStrictEqual(find("PUT", "/api/v1/organizations"), {
      _tag: "OtherMethods",
      template: "/api/v1/organizations",
      allowed: ["GET", "POST"]
    })
    assert.deepStrictEqual(find("GET", "/api/v1/nothing"), { _tag: "None" })
    assert.deepStrictEqual(find("GET", "/"), { _tag: "None" })
  })
})
