/** What each field of a location becomes. */
import { assert, describe, it } from "@effect/vitest"
import { directivesNamed, readNginx } from "../../../../test/support/NginxSyntax.ts"
import { answering, host, location, otherWorkspace, renderParts, server, upstream } from "./Fixtures.ts"
import type { Parts } from "./Fixtures.ts"
import { hostFile, read, named, proxied } from "./Reading.ts"

describe("A location", () => {
  const headers = (parts: Parts) =>
    Object.fromEntries(named(parts, "proxy_set_header").map(([name, value]) => [name, value]))

  it("writes every modifier as nginx reads it", () => {
    for (const [path, words] of [
      ["/a", ["/a"]],
      ["= /a", ["=", "/a"]],
      ["^~ /a", ["^~", "/a"]],
      ['~ a b{2};"\\d$', ["~", 'a b{2};"\\d$']],
      ["~* \\\\x", ["~*", "\\\\x"]]
    ] as const) {
      assert.deepStrictEqual(named({ hosts: [host(1, { locations: [answering("x", { path })] })] }, "location"), [
        words
      ])
    }
  })

  it("passes to an address as it is, and to a name through an upstream with resolved addresses", () => {
    assert.deepStrictEqual(named(proxied({ proxy_pass: "http://10.0.0.1" }), "proxy_pass"), [["http://10.0.0.1:80"]])
    assert.deepStrictEqual(named(proxied({ proxy_pass: "http://[::1]:81/x" }), "proxy_pass"), [["http://[::1]:81/x"]])
    const parts = proxied({ proxy_pass: "https://Api.example/v1" })
    const addresses = new Map([["api.example", ["10.0.0.2", "2001:db8::1", "10.0.0.1", "10.0.0.1"]]])
    const [[target = ""] = []] = named(parts, "upstream", { addresses })
    assert.deepStrictEqual(named(parts, "proxy_pass", { addresses }), [[`https://${target}/v1`]])
    assert.deepStrictEqual(named(parts, "server", { addresses }).slice(0, 3), [
      ["10.0.0.1:443"],
      ["10.0.0.2:443"],
      ["[2001:db8::1]:443"]
    ])
    assert.deepStrictEqual(named(parts, "proxy_ssl_name", { addresses }), [["api.example"]])
    assert.deepStrictEqual(named(parts, "server")[0], ["127.0.0.1:9", "down"])
  })

  it("shares one upstream between locations that name the same backend, and none between hosts", () => {
    const locations = ["/a", "/b"].map((path) => location({ path, proxy_pass: "http://x.example:81" }))
    const tree = renderParts({ hosts: [host(1, { locations }), host(2, { locations })] })
    const names = tree.files
      .filter(({ path }) => hostFile.test(path))
      .flatMap(({ content }) => directivesNamed(readNginx(content), "upstream"))
    assert.lengthOf(names, 2)
    assert.lengthOf(new Set(names.flat()), 2)
  })

  it("means an upstream of its workspace by name, keeping scheme and path, but not with a port", () => {
    const pool = upstream(2, { name: "pool", servers: [server("a.example:1"), server("b.example:1")] })
    const at = (proxy_pass: string, fields: Parameters<typeof upstream>[1] = {}) =>
      named({ ...proxied({ proxy_pass }), upstreams: [{ ...pool, ...fields }] }, "proxy_pass")[0]?.[0] ?? ""
    assert.strictEqual(at("https://pool/x"), "https://nxm_00000002_pool/x")
    assert.match(at("http://pool:81"), /^http:\/\/nxm_00000001_to_/)
    assert.match(at("http://pool", { workspace_id: otherWorkspace }), /^http:\/\/nxm_00000001_to_/)
  })

  it("asks in TLS for the name that all servers share, or else for the client's", () => {
    const name = (...servers: ReadonlyArray<string>) => {
      const pool = upstream(2, { name: "pool", servers: servers.map((address) => server(address)) })
      return named({ ...proxied({ proxy_pass: "https://pool" }), upstreams: [pool] }, "proxy_ssl_name")[0]?.[0]
    }
    assert.strictEqual(name("a.example:1", "a.example:2"), "a.example")
    assert.strictEqual(name("a.example:1", "b.example:2"), "$host")
    assert.strictEqual(name("10.0.0.1:1"), "$host")
  })

  it("forwards the client's address, or sends the backend's own name", () => {
    const proxy = { ...location().proxy, forwarded_headers: false }
    const backend = { proxy_pass: "http://b.example:81" }
    assert.deepInclude(headers(proxied(backend)), { Host: "$host", "X-Forwarded-Proto": "$scheme" })
    assert.deepStrictEqual(headers(proxied({ ...backend, proxy })), { Host: "b.example:81", Connection: "" })
    const plain = proxied({ proxy_pass: "http://[::1]/", proxy })
    assert.strictEqual(headers(plain)["Host"], "[::1]")
  })

  it("passes upgrades when it says so, and always in the websocket template", () => {
    const backend = location({ proxy_pass: "http://10.0.0.1" })
    const of = (fields: Parameters<typeof host>[1]) => headers({ hosts: [host(1, fields)] })["Connection"]
    assert.strictEqual(of({ locations: [backend] }), "")
    assert.strictEqual(of({ locations: [{ ...backend, websocket: true }] }), "$nxm_connection_upgrade")
    assert.strictEqual(of({ template: "websocket", locations: [backend] }), "$nxm_connection_upgrade")
  })

  it("has its own access rules first and then its host's, which nginx would drop", () => {
    const rule = (action: "allow" | "deny", address: string) => ({ action, address })
    const rules = (own: ReadonlyArray<ReturnType<typeof rule>>) => {
      const locations = [location({ root: "/srv/x", access_rules: own })]
      const tree = read({ hosts: [host(1, { access_rules: [rule("deny", "all")], locations })] }, hostFile)
      const inside = tree[0]?.children?.find(({ words }) => words[0] === "location")?.children ?? []
      return inside.map(({ words }) => words.join(" ")).filter((text) => /^(allow|deny)/.test(text))
    }
    assert.deepStrictEqual(rules([rule("allow", "10.0.0.0/8")]), ["allow 10.0.0.0/8", "deny all"])
    assert.deepStrictEqual(rules([]), [])
  })

  it("puts a fixed answer behind access rules and rate limits, and only then", () => {
    const guarded = (fields: Parameters<typeof host>[1]) => named({ hosts: [host(1, fields)] }, "try_files").length
    assert.strictEqual(guarded({}), 0)
    assert.strictEqual(guarded({ template: "api" }), 1)
    assert.strictEqual(guarded({ access_rules: [{ action: "deny", address: "all" }] }), 1)
  })

  it("sets timeouts and buffers", () => {
    const proxy = {
      connect_timeout_seconds: 1,
      send_timeout_seconds: 2,
      read_timeout_seconds: 3,
      buffering: false,
      buffer_size_kib: 8,
      forwarded_headers: true
    }
    const parts = proxied({ proxy_pass: "http://10.0.0.1", proxy })
    for (const [name, words] of [
      ["proxy_connect_timeout", ["1s"]],
      ["proxy_send_timeout", ["2s"]],
      ["proxy_read_timeout", ["3s"]],
      ["proxy_buffering", ["off"]],
      ["proxy_buffer_size", ["8k"]],
      ["proxy_buffers", ["8", "8k"]]
    ] as const) {
      assert.deepStrictEqual(named(parts, name), [words], name)
      assert.deepStrictEqual(named(proxied({ proxy_pass: "http://10.0.0.1" }), name), [], name)
    }
  })

  it("serves files, and an application's page for what is no file", () => {
    const parts = (template: string, fields: Parameters<typeof location>[0]) => ({
      hosts: [host(1, { template, locations: [location({ root: "/srv/a b", ...fields })] })]
    })
    assert.deepStrictEqual(named(parts("default", { index: "a.html b.html" }), "index"), [["a.html", "b.html"]])
    assert.deepStrictEqual(named(parts("default", {}), "root"), [["/srv/a b"]])
    const fallback = (fields: Parameters<typeof location>[0]) => named(parts("spa", fields), "try_files")[0]?.[1]
    assert.strictEqual(fallback({}), "/index.html")
    assert.strictEqual(fallback({ path: "/app" }), "/app/index.html")
    assert.strictEqual(fallback({ path: "/app/", index: "main.html" }), "/app/main.html")
    assert.strictEqual(fallback({ path: "~ x" }), "/index.html")
    assert.lengthOf(named(parts("static", {}), "expires"), 1)
  })
})
