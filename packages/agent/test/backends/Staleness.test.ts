import { assert, describe, it } from "@effect/vitest"
import { dependenciesOf, isStale } from "@nxmesh/agent/backends/Staleness"
import { backendKey } from "@nxmesh/core/nginx/Backends"
import * as Fixtures from "../../../core/test/nginx/Fixtures.ts"

const servers = [Fixtures.server("app.example:80"), Fixtures.server("10.0.0.1:80"), Fixtures.server("10.0.0.2:80")]
const pool = Fixtures.upstream(2, { servers })
const bundle = Fixtures.bundle({
  upstreams: [pool],
  hosts: [Fixtures.host(1, { locations: [Fixtures.location({ proxy_pass: "http://other.example" })] })]
})
const dependencies = dependenciesOf(bundle)
const key = (address: string) => backendKey(pool.id, address, 80)
const inputs = (addresses: Record<string, ReadonlyArray<string>>, ...down: ReadonlyArray<string>) => ({
  addresses: new Map(Object.entries(addresses)),
  down: new Set(down)
})
const before = inputs({ "app.example": ["10.0.0.8"], "other.example": ["10.0.0.9"] })

describe("isStale", () => {
  it("is not so while addresses and health are what the tree was rendered with", () => {
    assert.isFalse(isStale(dependencies, before, before))
    // Another bundle's servers, and those of a name that this bundle does not have, change nothing.
    const more = inputs(
      { "app.example": ["10.0.0.8"], "other.example": ["10.0.0.9"], "z.example": ["10.0.0.7"] },
      "x 1:1"
    )
    assert.isFalse(isStale(dependencies, before, more))
  })

  it("is so with another address, and with a server that falls or recovers", () => {
    assert.isTrue(isStale(dependencies, before, inputs({ "app.example": ["10.0.0.7"], "other.example": ["10.0.0.9"] })))
    const fallen = { ...before, down: new Set([key("10.0.0.1")]) }
    assert.isTrue(isStale(dependencies, before, fallen))
    assert.isTrue(isStale(dependencies, fallen, before))
    assert.isFalse(isStale(dependencies, fallen, fallen))
  })

  it("is not so when all servers fail, because none is left out then", () => {
    const all = { ...before, down: new Set([key("10.0.0.1"), key("10.0.0.2"), key("10.0.0.8")]) }
    assert.isFalse(isStale(dependencies, before, all))
  })

  it("looks at the names that were rendered alone: a resource that was left out has none", () => {
    const reduced = inputs({ "app.example": ["10.0.0.8"] })
    assert.isFalse(isStale(dependencies, reduced, before))
    const withoutPool = inputs({ "other.example": ["10.0.0.9"] })
    assert.isFalse(isStale(dependencies, withoutPool, before))
  })

  it("is so when nobody knows what was rendered, if anything could differ", () => {
    assert.isTrue(isStale(dependencies, null, before))
    const plain = dependenciesOf(Fixtures.bundle({ upstreams: [Fixtures.upstream(2)], hosts: [Fixtures.host(1)] }))
    assert.isFalse(isStale(plain, null, inputs({})))
  })
})
