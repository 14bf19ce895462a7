import { assert, describe, it } from "@effect/vitest"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { OpenApi } from "effect/http-api"
import { advertisedApi, originOf } from "../../src/api/AdvertisedApi.ts"

describe("the advertised API", () => {
  it("is HTTPS on its own port, and HTTP elsewhere", () => {
    assert.strictEqual(originOf({ host: "api.example.com", port: 443 }), "https://api.example.com")
    assert.strictEqual(originOf({ host: "api.example.com", port: 8080 }), "http://api.example.com:8080")
    assert.strictEqual(originOf({ host: "2001:db8::1", port: 443 }), "https://[2001:db8::1]")
  })

  it("differs in its servers alone", () => {
    const plain = OpenApi.fromApi(advertisedApi({ advertiseHttp: null }))
    assert.deepStrictEqual(plain, OpenApi.fromApi(NxMeshApi))
    assert.isUndefined(plain.servers)
    const advertised = OpenApi.fromApi(advertisedApi({ advertiseHttp: { host: "api.example.com", port: 443 } }))
    assert.deepStrictEqual(advertised, { ...plain, servers: [{ url: "https://api.example.com" }] })
  })
})
