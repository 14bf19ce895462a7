import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { clashes, clashesOf } from "../../src/nginx/Clash.ts"
import { host } from "./Fixtures.ts"

const tls = { ssl_enabled: true, listen_port: 443 }
const proxied = { real_ip: { from: ["10.0.0.0/8"] as const, header: "proxy_protocol" as const, recursive: true } }
const fields = (found: ReturnType<typeof clashes>) =>
  found.map(({ field, hosts }) => [field, ...hosts.map(({ name }) => name)])

describe("clashes", () => {
  it("finds one name on one port, whatever its case and place in the list", () => {
    const found = clashes([host(1, { server_name: "a.x, B.x" }), host(2, { server_name: "c.x, b.X" })])
    assert.deepStrictEqual(fields(found), [["server_name", "site 1", "site 2"]])
    assert.include(found[0]?.message, "b.x on port 80")
  })

  it("allows one name on two ports, two names on one port, and a name beside its wildcard", () => {
    const hosts = [
      host(1, { server_name: "a.x" }),
      host(2, { server_name: "a.x", listen_port: 8080 }),
      host(3, { server_name: "*.x" })
    ]
    assert.deepStrictEqual(clashes(hosts), [])
  })

  it("finds TLS and plain HTTP on one port, in both orders", () => {
    const [a, b] = [host(1, { ...tls }), host(2, { listen_port: 443 })]
    assert.deepStrictEqual(fields(clashes([a, b])), [["listen_port", "site 1", "site 2"]])
    assert.deepStrictEqual(fields(clashes([b, a])), [["listen_port", "site 2", "site 1"]])
  })

  it("counts port 80 of a redirect to HTTPS", () => {
    const redirecting = host(1, { ...tls, redirect_http: true, server_name: "a.x" })
    assert.deepStrictEqual(fields(clashes([host(2, { server_name: "a.x" }), redirecting])), [
      ["redirect_http", "site 2", "site 1"]
    ])
    assert.deepStrictEqual(fields(clashes([host(3, { ...tls, listen_port: 80 }), redirecting])), [
      ["redirect_http", "site 3", "site 1"]
    ])
    assert.deepStrictEqual(clashes([host(4), redirecting]), [])
  })

  it("finds a port that would expect the PROXY protocol of some hosts only", () => {
    assert.deepStrictEqual(fields(clashes([host(1), host(2, proxied)])), [["real_ip", "site 1", "site 2"]])
    assert.deepStrictEqual(clashes([host(1, proxied), host(2, proxied)]), [])
  })

  it("leaves out disabled hosts and differing HTTP/2", () => {
    assert.deepStrictEqual(
      clashes([host(1, { server_name: "a.x" }), host(2, { server_name: "a.x", enabled: false })]),
      []
    )
    assert.deepStrictEqual(clashes([host(1, { ...tls, http2_enabled: true }), host(2, tls)]), [])
  })

  it("compares a changed host with the others and not with what it was", () => {
    const others = [host(1, { server_name: "a.x" }), host(2, { server_name: "b.x" })]
    assert.deepStrictEqual(clashesOf(host(2, { server_name: "c.x" }), others), [])
    assert.deepStrictEqual(fields(clashesOf(host(2, { server_name: "a.x" }), others)), [
      ["server_name", "site 1", "site 2"]
    ])
  })

  it("takes one pass for 5,000 hosts", () => {
    const hosts = Array.from({ length: 5_000 }, (_, index) => host(index, { server_name: `a${index}.x, b${index}.x` }))
    assert.deepStrictEqual(clashes(hosts), [])
    assert.lengthOf(clashes(hosts.map((each) => ({ ...each, server_name: "same.x" }))), 4_999)
  })

  const Small = Schema.Struct({
    name: Schema.Literals(["a.x", "b.x", "a.x, c.x"]),
    port: Schema.Literals([80, 443]),
    tls: Schema.Boolean,
    redirect: Schema.Boolean
  })
  it.effect.prop(
    "finds a clash in a list exactly when some two of it clash",
    [Schema.Array(Small).check(Schema.isMaxLength(5))],
    ([list]) =>
      Effect.sync(() => {
        const hosts = list.map((each, index) =>
          host(index, {
            server_name: each.name,
            listen_port: each.port,
            ssl_enabled: each.tls,
            redirect_http: each.redirect && each.port !== 80
          })
        )
        const pairs = hosts.flatMap((left, at) => hosts.slice(at + 1).flatMap((right) => clashesOf(right, [left])))
        assert.strictEqual(clashes(hosts).length > 0, pairs.length > 0)
      }),
    { arbitrary: { runs: 500, seed: 11 } }
  )
})
