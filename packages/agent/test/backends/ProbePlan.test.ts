import { assert, describe, it } from "@effect/vitest"
import { planOf } from "@nxmesh/agent/backends/ProbePlan"
import { Limits } from "@nxmesh/agent/Limits"
import { indexBundle } from "@nxmesh/core/nginx/BundleIndex"
import type { HealthCheckConfig } from "@nxmesh/protocol/model/Upstream"
import * as Fixtures from "../../../core/test/nginx/Fixtures.ts"

const http: HealthCheckConfig = {
  type: "http",
  path: "/up",
  interval_seconds: 10,
  timeout_seconds: 5,
  healthy_threshold: 2,
  unhealthy_threshold: 3
}
const plan = (parts: Fixtures.Parts, addresses: ReadonlyMap<string, ReadonlyArray<string>> = new Map()) =>
  planOf(indexBundle(Fixtures.bundle(parts)), addresses)
const { location, server, upstream } = Fixtures

describe("planOf", () => {
  it("probes each address of each server, once, and leaves out what the upstream has down or does not resolve", () => {
    const servers = [
      server("App.example:8080"),
      server("10.0.0.1:80"),
      server("10.0.0.1:80"),
      server("10.0.0.2:80", { down: true }),
      server("never.example:80")
    ]
    const found = plan(
      { upstreams: [upstream(1, { servers, health_check: http }), upstream(2, { servers })] },
      new Map([["app.example", ["10.0.0.8", "2001:db8::8"]]])
    )
    assert.deepStrictEqual(
      found.targets.map(({ endpoint }) => endpoint),
      ["10.0.0.8:8080", "[2001:db8::8]:8080", "10.0.0.1:80"]
    )
    assert.strictEqual(found.omitted, 0)
  })

  it("asks for the path with the Host that a client of that server sends", () => {
    const servers = [server("app.example:8080"), server("10.0.0.1:80"), server("[2001:db8::1]:81")]
    const upstreams = [upstream(1, { servers, health_check: http })]
    const { targets } = plan({ upstreams }, new Map([["app.example", ["10.0.0.8"]]]))
    assert.deepStrictEqual(
      targets.map(({ request }) => (request._tag === "Http" ? [request.host, request.path, request.tls] : null)),
      [
        ["app.example:8080", "/up", null],
        ["10.0.0.1", "/up", null],
        ["[2001:db8::1]:81", "/up", null]
      ]
    )
    const bare = plan({
      upstreams: [upstream(1, { servers: [server("10.0.0.1:80")], health_check: { ...http, path: null } })]
    })
    assert.deepInclude(bare.targets[0]?.request, { path: "/", timeoutMillis: 5_000 })
  })

  it("only connects for a check by TCP", () => {
    const health_check = { ...http, type: "tcp", path: null } as const
    const { targets } = plan({ upstreams: [upstream(1, { servers: [server("10.0.0.1:5432")], health_check })] })
    assert.deepStrictEqual(targets[0]?.request, { _tag: "Tcp", address: "10.0.0.1", port: 5432, timeoutMillis: 5_000 })
  })

  it("speaks TLS where every location does, with the name of the server, and plainly where one does not", () => {
    const servers = [server("app.example:443"), server("10.0.0.1:443")]
    const pool = upstream(1, { name: "pool", servers, health_check: http })
    const addresses = new Map([["app.example", ["10.0.0.8"]]])
    const secure = location({ proxy_pass: "https://pool/x" })
    const tlsOf = (locations: ReadonlyArray<ReturnType<typeof location>>) =>
      plan({ upstreams: [pool], hosts: [Fixtures.host(3, { locations })] }, addresses).targets.map(({ request }) =>
        request._tag === "Http" ? [request.tls, request.host] : null
      )
    assert.deepStrictEqual(tlsOf([secure]), [
      [{ serverName: "app.example" }, "app.example"],
      [{ serverName: null }, "10.0.0.1"]
    ])
    for (const plain of [
      location({ path: "/p", proxy_pass: "http://pool" }),
      location({ path: "/p", upstream_id: pool.id })
    ]) {
      assert.deepStrictEqual(tlsOf([secure, plain])[0], [null, "app.example:443"])
    }
  })

  it("probes as many servers as its bound says, and counts the others", () => {
    const upstreams = Array.from({ length: 20 }, (_, number) =>
      upstream(number + 1, {
        health_check: http,
        servers: Array.from({ length: 256 }, (_, last) => server(`10.0.${number}.${last}:80`))
      })
    )
    const found = plan({ upstreams })
    assert.strictEqual(found.targets.length, Limits.probeTargetsMax)
    assert.strictEqual(found.omitted, 20 * 256 - Limits.probeTargetsMax)
  })
})
