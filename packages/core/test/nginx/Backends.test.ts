/** What each field of an upstream becomes. */
import { assert, describe, it } from "@effect/vitest"
import { backendKey, leftOut, upstreamBlock } from "../../src/nginx/Backends.ts"
import { hostNames } from "../../src/nginx/Render.ts"
import type { RenderInput } from "../../src/nginx/Render.ts"
import { bundle, host, location, server, upstream } from "./Fixtures.ts"
import { upstreamFile, read } from "./Reading.ts"

describe("An upstream", () => {
  const lines = (fields: Parameters<typeof upstream>[1], addresses: RenderInput["addresses"] = new Map()) =>
    read({ upstreams: [upstream(2, fields)] }, upstreamFile, { addresses })[0]?.children?.map(({ words }) =>
      words.join(" ")
    )

  it("has its method before its servers and keepalive after them", () => {
    const servers = [
      server("10.0.0.1:1", { weight: 2, max_fails: 0, fail_timeout: 0 }),
      server("10.0.0.2:1", { backup: true, down: true })
    ]
    assert.deepStrictEqual(
      lines({ algorithm: "least_connections", servers, keepalive_connections: 4, keepalive_timeout: 9 }),
      [
        "least_conn",
        "server 10.0.0.1:1 weight=2 max_fails=0 fail_timeout=0s",
        "server 10.0.0.2:1 backup down",
        "keepalive 4",
        "keepalive_timeout 9s"
      ]
    )
    assert.deepStrictEqual(lines({ algorithm: "ip_hash" })?.[0], "ip_hash")
    assert.deepStrictEqual(lines({ algorithm: "weighted_round_robin" }), ["server 10.0.0.1:8080"])
  })

  it("has every address of a name, or a server that is down", () => {
    const servers = [server("B.example:81", { weight: 3, backup: true }), server("10.0.0.1:80")]
    const found = lines({ servers }, new Map([["b.example", ["10.0.0.9", "::9"]]]))
    assert.deepStrictEqual(found, [
      "server 10.0.0.9:81 weight=3 backup",
      "server [::9]:81 weight=3 backup",
      "server 10.0.0.1:80"
    ])
    for (const addresses of [new Map(), new Map([["b.example", []]])]) {
      assert.deepStrictEqual(lines({ servers }, addresses), ["server 127.0.0.1:9 weight=3 down", "server 10.0.0.1:80"])
    }
  })

  it("shows a name for itself in a preview", () => {
    const servers = [server("b.example:81")]
    assert.deepStrictEqual(lines({ servers }, new Map([["b.example", ["b.example"]]])), ["server b.example:81"])
  })

  it("takes only addresses from a resolver", () => {
    const servers = [server("b.example:81")]
    assert.deepStrictEqual(lines({ servers }, new Map([["b.example", ["evil; load_module x"]]])), [
      "server 127.0.0.1:9 down"
    ])
  })
})

describe("A server that fails its health check", () => {
  const servers = [
    server("10.0.0.1:80"),
    server("App.example:81", { weight: 2 }),
    server("10.0.0.3:80", { backup: true })
  ]
  const pool = upstream(2, { servers })
  const addresses = new Map([["app.example", ["10.0.0.8", "2001:db8::8"]]])
  const key = (address: string, port: number) => backendKey(pool.id, address, port)
  const lines = (down: ReadonlyArray<string>, of = pool) =>
    upstreamBlock(of, addresses, new Set(down))
      .split("\n")
      .filter((line) => line.includes("server "))
      .map((line) => line.trim())

  it("is rendered down by its address, and the others as ever", () => {
    assert.deepStrictEqual(lines([key("2001:db8::8", 81), key("10.0.0.3", 80)]), [
      "server 10.0.0.1:80;",
      "server 10.0.0.8:81 weight=2;",
      'server "[2001:db8::8]:81" weight=2 down;',
      "server 10.0.0.3:80 backup down;"
    ])
  })

  it("changes no text when nothing is down, or what is down is another upstream's or another port's", () => {
    const plain = upstreamBlock(pool, addresses)
    for (const down of [[], [key("10.0.0.1", 81)], [backendKey(upstream(3).id, "10.0.0.1", 80)]]) {
      assert.strictEqual(upstreamBlock(pool, addresses, new Set(down)), plain)
    }
  })

  it("is kept when every server that could answer fails: those that the upstream has down do not count", () => {
    const all = [key("10.0.0.1", 80), key("10.0.0.8", 81), key("2001:db8::8", 81), key("10.0.0.3", 80)]
    assert.notInclude(lines(all).join(), "down")
    assert.strictEqual(leftOut(pool, addresses, new Set(all)).size, 0)
    const some = upstream(2, { servers: [server("10.0.0.1:80"), server("10.0.0.2:80", { down: true })] })
    assert.deepStrictEqual(lines([key("10.0.0.1", 80)], some), ["server 10.0.0.1:80;", "server 10.0.0.2:80 down;"])
    const unresolved = upstream(2, { servers: [server("10.0.0.1:80"), server("never.example:80")] })
    assert.include(lines([key("10.0.0.1", 80)], unresolved)[0], "server 10.0.0.1:80;")
  })

  it("leaves the requests to the backups when all others fail", () => {
    const down = [key("10.0.0.1", 80), key("10.0.0.8", 81), key("2001:db8::8", 81)]
    assert.strictEqual(leftOut(pool, addresses, new Set(down)).size, 3)
  })
})

describe("hostNames", () => {
  it("lists the names that need addresses, each once, and no upstream's own name", () => {
    const locations = [
      location({ proxy_pass: "http://Api.example/x" }),
      location({ path: "/b", proxy_pass: "http://pool" }),
      location({ path: "/c", proxy_pass: "http://10.0.0.1" }),
      location({ path: "/d", proxy_pass: "http://pool:81" })
    ]
    const parts = {
      hosts: [
        host(1, { locations }),
        host(2, { enabled: false, locations: [location({ proxy_pass: "http://off.example" })] })
      ],
      upstreams: [
        upstream(3, { name: "pool", servers: [server("db.example:1"), server("[::1]:1"), server("db.example:2")] })
      ]
    }
    assert.deepStrictEqual(hostNames(bundle(parts)), ["api.example", "db.example", "pool"])
  })
})
