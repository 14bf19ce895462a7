/** What a request is counted as, and what its answer says of it. */
import { assert, describe, it } from "@effect/vitest"
import { demandOf } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { HttpApi } from "effect/http-api"
import { rateLimitHeaders, retryAfterSeconds } from "../../src/network/RateLimitHeaders.ts"
import { requestClass } from "../../src/network/RequestClasses.ts"
import { take } from "../../src/network/TokenBucket.ts"

const classOf = (method: string, template: string, url = template) => requestClass({ method, template, url })

describe("a request counts", () => {
  it("as reading or writing by its method", () => {
    assert.strictEqual(classOf("GET", "/api/v1/agents"), "read")
    assert.strictEqual(classOf("HEAD", "/api/v1/agents"), "read")
    assert.strictEqual(classOf("PATCH", "/api/v1/agents/:id"), "write")
    assert.strictEqual(classOf("DELETE", "/nothing/there"), "write")
  })

  it("as a login when it shows a secret", () => {
    assert.strictEqual(classOf("POST", "/api/v1/auth/login"), "login")
    assert.strictEqual(classOf("POST", "/api/v1/auth/refresh"), "login")
    assert.strictEqual(classOf("POST", "/api/v1/auth/logout"), "write")
  })

  it("as expensive when it takes a processor, a disk or an agent for long", () => {
    for (const template of ["/api/v1/cluster/backup", "/api/v1/agents/:id/preview", "/api/v1/graphql"]) {
      assert.strictEqual(classOf("GET", template), "expensive", template)
    }
    assert.strictEqual(classOf("POST", "/api/v1/virtual-hosts", "/api/v1/virtual-hosts?preflight=x"), "expensive")
    assert.strictEqual(classOf("POST", "/api/v1/virtual-hosts", "/api/v1/virtual-hosts?x=preflight"), "write")
  })

  it("not at all when a load balancer probes", () => {
    assert.strictEqual(classOf("GET", "/healthz"), null)
    assert.strictEqual(classOf("GET", "/readyz"), null)
    assert.strictEqual(classOf("GET", "/healthz/x"), "read")
  })

  it("as a login wherever nobody needs a token to change something", () => {
    const wrong: Array<string> = []
    HttpApi.reflect(NxMeshApi, {
      onGroup: () => undefined,
      onEndpoint: ({ endpoint, group }) => {
        const isOpen = demandOf(endpoint, group) === null && endpoint.method !== "GET"
        if (isOpen && classOf(endpoint.method, endpoint.path) !== "login")
          wrong.push(`${endpoint.method} ${endpoint.path}`)
      }
    })
    assert.deepStrictEqual(wrong, [])
  })
})

describe("an answer", () => {
  const limit = { per_second: 2, burst: 4 }
  const counted = (count: number) => {
    let taking = take(limit, undefined, 0)
    for (let left = 1; left < count; left++) taking = take(limit, taking.fullAtMillis, 0)
    return { name: "read", limit, taking }
  }

  it("says nothing when nothing was counted", () => {
    assert.deepStrictEqual(rateLimitHeaders([]), {})
  })

  it("tells the quota, what is left and when it is whole again", () => {
    assert.deepStrictEqual(rateLimitHeaders([counted(1)]), {
      "ratelimit-policy": '"read";q=4;w=2',
      ratelimit: '"read";r=3;t=1'
    })
  })

  it("tells every limit that it counted against, and when to come back of the one that refuses longest", () => {
    const address = { ...counted(1), name: "address-read" }
    const headers = rateLimitHeaders([address, counted(5)])
    assert.strictEqual(headers["ratelimit"], '"address-read";r=3;t=1, "read";r=0;t=1')
    assert.strictEqual(headers["retry-after"], "1")
    assert.strictEqual(retryAfterSeconds([address]), null)
  })
})
