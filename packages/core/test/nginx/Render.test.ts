/** What each field becomes, read back from the text by a reader that is not the renderer's. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { UpstreamId, VirtualHostId } from "@nxmesh/protocol/Ids"
import { directivesNamed, readNginx } from "../../../../test/support/NginxSyntax.ts"
import { hostNames, publicFiles, render } from "../../src/nginx/Render.ts"
import type { RenderInput } from "../../src/nginx/Render.ts"
import type { Parts } from "./Fixtures.ts"
import {
  answering,
  bundle,
  certificate,
  customTemplate,
  fileText,
  host,
  layout,
  location,
  nginx122,
  nginx128,
  otherWorkspace,
  renderInput,
  renderParts,
  server,
  upstream,
  uuid,
  workspace
} from "./Fixtures.ts"

const hostFile = /^http\/20-/
const upstreamFile = /^http\/10-/
const read = (parts: Parts, path: RegExp, fields: Partial<RenderInput> = {}) =>
  readNginx(fileText(renderParts(parts, fields), path))
const named = (parts: Parts, name: string, fields: Partial<RenderInput> = {}, path = hostFile) =>
  directivesNamed(read(parts, path, fields), name)
const failure = (parts: Parts, fields: Partial<RenderInput> = {}) => {
  const tree = render(renderInput(parts, fields))
  return Result.isFailure(tree) ? tree.failure : null
}
const files = certificate(0xc1)
const tls = { ssl_enabled: true, ssl_certificate_id: files.id, listen_port: 443 }
const secure = (fields: Parameters<typeof host>[1] = {}) => ({
  hosts: [host(1, { ...tls, ...fields })],
  certificates: [files]
})
const proxied = (fields: Parameters<typeof location>[0]) => ({ hosts: [host(1, { locations: [location(fields)] })] })

describe("The tree", () => {
  it("has one entry file that names its own directory, and one file per resource", () => {
    const tree = renderParts({ hosts: [host(1)], upstreams: [upstream(2)], certificates: [files] })
    assert.deepStrictEqual(
      tree.files.map(({ mode, path, resource }) => [path, mode.toString(8), resource?.kind ?? null]),
      [
        ["nxmesh.conf", "644", null],
        ["http/00-settings.conf", "644", null],
        ["http/10-upstream-backend-2-00000002.conf", "644", "upstream"],
        ["http/20-host-site-1-00000001.conf", "644", "virtual_host"],
        ["http/30-default.conf", "644", null],
        ["http/90-proof.conf", "644", null],
        ["tls/000000c1-000100c1.crt", "644", "certificate"],
        ["tls/000000c1-000100c1.key", "600", "certificate"]
      ]
    )
    const entry = fileText(tree, /^nxmesh\.conf$/)
    assert.match(entry, new RegExp(`^# nxmesh generation [0-9a-f]{64} deployment ${uuid(0xd)}\n`))
    assert.include(entry, "include /etc/nginx/conf.d/20260302143000-000007/http/*.conf;")
    assert.isFalse(publicFiles(tree).some(({ path }) => path.endsWith(".key")))
  })

  it("is the same text for the same input, and depends on directory and deployment in paths, marker and proof only", () => {
    const parts = secure()
    const plain = renderParts(parts)
    assert.deepStrictEqual(renderParts(parts), plain)
    const other = renderParts(parts, { directory: "another", deploymentId: uuid(0xe) })
    const ignoring = other.files.map(({ content }) =>
      content.replaceAll("/another/", "/20260302143000-000007/").replaceAll(uuid(0xe), uuid(0xd))
    )
    assert.deepStrictEqual(
      ignoring,
      plain.files.map(({ content }) => content)
    )
  })

  it("leaves out disabled hosts, and is served with none", () => {
    const tree = renderParts({ hosts: [host(1, { enabled: false })] })
    assert.isFalse(tree.files.some(({ path }) => hostFile.test(path)))
    assert.strictEqual(fileText(tree, /30-default/), "")
  })

  it("keeps apart resources of one name", () => {
    const tree = renderParts({ hosts: [host(1, { name: "same" }), host(2, { name: "same" })] })
    assert.lengthOf(new Set(tree.files.map(({ path }) => path)), tree.files.length)
  })

  it("sets hash sizes only where nothing else can, wide enough for the longest name", () => {
    const long = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.example`
    const parts = { hosts: [host(1, { server_name: long })] }
    assert.deepStrictEqual(named(parts, "server_names_hash_bucket_size", {}, /00-settings/), [["256"]])
    const foreign = { layout: { ...layout, ownsMainContext: false } }
    assert.deepStrictEqual(named(parts, "server_names_hash_bucket_size", foreign, /00-settings/), [])
  })

  it("answers deployment and process on the proof socket, and status where the build has it", () => {
    const proof = (fields: Partial<RenderInput>) => read({}, /90-proof/, fields)
    assert.deepStrictEqual(directivesNamed(proof({}), "listen"), [["unix:/run/nxmesh/proof.sock"]])
    assert.deepStrictEqual(directivesNamed(proof({}), "return"), [["200", `${uuid(0xd)} $pid`]])
    assert.lengthOf(directivesNamed(proof({}), "stub_status"), 1)
    assert.lengthOf(directivesNamed(proof({ nginx: { version: "1.22.1", modules: [] } }), "stub_status"), 0)
  })

  it("refuses what it cannot place, and names the resource and field", () => {
    const long = { ...layout, runtimeDirectory: `/${"r".repeat(100)}` }
    assert.match(failure({}, { layout: long })?.message ?? "", /leave room for a socket/)
    assert.include(failure({ hosts: [host(1, tls)] }), { field: "ssl_certificate_id" })
    assert.include(failure(proxied({ upstream_id: UpstreamId.make(uuid(9)) })), { field: "locations[0].upstream_id" })
    const broken = failure({
      hosts: [host(1, { locations: [answering("a"), answering("b", { path: "/b", snippet: "\n}" })] })]
    })
    assert.include(broken, { field: "locations[1].snippet", line: 2 })
    assert.deepStrictEqual(broken?.resource, { kind: "virtual_host", id: uuid(1), name: "site 1" })
    assert.match(failure({ hosts: [host(1, { template: "gone" })] })?.message ?? "", /"gone".*not in the bundle/)
    const templates = [customTemplate("bad", "server {\n{{oops}}")]
    assert.include(failure({ hosts: [host(1, { template: "bad" })], templates }), { field: "template", line: 2 })
  })
})

describe("Sockets", () => {
  const listens = (parts: Parts, fields: Partial<RenderInput> = {}, path = hostFile) =>
    named(parts, "listen", fields, path).map((words) => words.join(" "))

  it("listens as the host says", () => {
    assert.deepStrictEqual(listens({ hosts: [host(1, { listen_ipv6: true })] }), ["80", "[::]:80"])
    assert.deepStrictEqual(listens(secure({ http2_enabled: true })), ["443 ssl http2"])
    assert.deepStrictEqual(listens(secure({ http2_enabled: true }), { nginx: nginx128 }), ["443 ssl"])
    assert.deepStrictEqual(named(secure({ http2_enabled: true }), "http2", { nginx: nginx128 }), [["on"]])
    assert.deepStrictEqual(listens(secure({ http3_enabled: true }), { nginx: nginx128 }), ["443 ssl", "443 quic"])
    const real_ip = { from: ["10.0.0.0/8"] as const, header: "proxy_protocol" as const, recursive: false }
    assert.deepStrictEqual(listens({ hosts: [host(1, { real_ip })] }), ["80 proxy_protocol"])
  })

  it("redirects port 80 to HTTPS, to the host's own port", () => {
    assert.deepStrictEqual(listens(secure({ redirect_http: true })), ["80", "443 ssl"])
    assert.deepStrictEqual(named(secure({ redirect_http: true, listen_port: 8443 }), "return")[0], [
      "301",
      "https://$host:8443$request_uri"
    ])
  })

  it("has one catch-all per port, with the properties of all its hosts", () => {
    const parts = {
      hosts: [host(1, { ...tls, http2_enabled: true }), host(2, { ...tls, listen_ipv6: true }), host(3)],
      certificates: [files]
    }
    const expected = ["80 default_server", "443 ssl http2 default_server", "[::]:443 ssl http2 default_server"]
    assert.deepStrictEqual(listens(parts, {}, /30-default/), expected)
    assert.deepStrictEqual(named(parts, "ssl_reject_handshake", {}, /30-default/), [["on"]])
    assert.deepStrictEqual(named(parts, "return", {}, /30-default/), [["444"]])
    const quic = { hosts: [host(1, { ...tls, http3_enabled: true })], certificates: [files] }
    assert.include(listens(quic, { nginx: nginx128 }, /30-default/), "443 quic reuseport default_server")
  })

  it("borrows a certificate for the catch-all of an nginx that cannot reject a handshake", () => {
    const old = { nginx: { ...nginx122, version: "1.18.0" } }
    assert.lengthOf(named(secure(), "ssl_certificate", old, /30-default/), 1)
  })

  it("leaves the catch-all to whoever has it", () => {
    const tree = renderParts({ hosts: [host(1)] }, { layout: { ...layout, ownsDefaultServer: false } })
    assert.isFalse(tree.files.some(({ path }) => path.includes("30-default")))
  })

  it("warns of what hosts of one port share", () => {
    const hosts = [host(1, { ...tls, http2_enabled: true, tls_policy: "modern" }), host(2, tls)]
    const { warnings } = renderParts({ hosts, certificates: [files] })
    assert.lengthOf(warnings, 2)
    assert.match(warnings[0] ?? "", /HTTP\/2 holds for a whole port: site 2/)
    assert.match(warnings[1] ?? "", /TLS 1\.2/)
    assert.match(renderParts(secure({ http3_enabled: true })).warnings[0] ?? "", /HTTP\/3 is not in this nginx/)
    assert.deepStrictEqual(renderParts({ hosts: [host(3)] }).warnings, [])
  })
})

describe("A virtual host", () => {
  it("has its TLS policy, gzip, body size, access rules and real client address", () => {
    assert.deepStrictEqual(named(secure({ tls_policy: "modern" }), "ssl_protocols"), [["TLSv1.3"]])
    assert.lengthOf(named(secure({ tls_policy: "modern" }), "ssl_ciphers"), 0)
    assert.lengthOf(named(secure(), "ssl_ciphers"), 1)
    assert.deepStrictEqual(named({ hosts: [host(1, { gzip_enabled: true })] }, "gzip"), [["on"]])
    assert.deepStrictEqual(named({ hosts: [host(1)] }, "gzip"), [["off"]])
    for (const [kib, words] of [
      [null, []],
      [0, [["0"]]],
      [64, [["64k"]]]
    ] as const) {
      assert.deepStrictEqual(named({ hosts: [host(1, { client_max_body_kib: kib })] }, "client_max_body_size"), words)
    }
    const access_rules = [
      { action: "allow" as const, address: "10.0.0.0/8" },
      { action: "deny" as const, address: "all" }
    ]
    const text = fileText(renderParts({ hosts: [host(1, { access_rules })] }), hostFile)
    assert.match(text, /allow 10\.0\.0\.0\/8;\s+deny all;/)
    const real_ip = { from: ["10.0.0.0/8", "::1"] as const, header: "X-Forwarded-For" as const, recursive: true }
    assert.deepStrictEqual(named({ hosts: [host(1, { real_ip })] }, "set_real_ip_from"), [["10.0.0.0/8"], ["::1"]])
    assert.deepStrictEqual(named({ hosts: [host(1, { real_ip })] }, "real_ip_recursive"), [["on"]])
  })

  it("limits rates by a zone whose name follows id, key and size, and not the rate", () => {
    const config = {
      requests: 5,
      per: "minute",
      burst: 0,
      nodelay: true,
      key: "uri",
      zone_size_kib: 64,
      status_code: 503
    } as const
    const zone = (fields: object, number = 1) => {
      const parts = { hosts: [host(number, { rate_limiting: { ...config, ...fields } })] }
      return named(parts, "limit_req_zone", {}, /00-settings/)[0] ?? []
    }
    assert.match(zone({}).join(" "), /^\$uri zone=nxm_[0-9a-f]{16}:64k rate=5r\/m$/)
    assert.strictEqual(zone({ requests: 9 })[1], zone({})[1])
    for (const other of [zone({ key: "remote_addr" }), zone({ zone_size_kib: 65 }), zone({}, 2)]) {
      assert.notStrictEqual(other[1]?.split(":")[0], zone({})[1]?.split(":")[0])
    }
    const uses = (fields: object) =>
      named({ hosts: [host(1, { rate_limiting: { ...config, ...fields } })] }, "limit_req")[0]?.slice(1)
    assert.deepStrictEqual(uses({}), [])
    assert.deepStrictEqual(uses({ burst: 3 }), ["burst=3", "nodelay"])
    assert.deepStrictEqual(uses({ burst: 3, nodelay: false }), ["burst=3"])
    assert.deepStrictEqual(named({ hosts: [host(1, { rate_limiting: config })] }, "limit_req_status"), [["503"]])
    assert.lengthOf(named({ hosts: [host(1, { template: "api" })] }, "limit_req"), 1)
  })

  it("puts a snippet inside its block, a comment at its end included", () => {
    const parts = { hosts: [host(1, { snippet: "a b; # end", locations: [answering("x", { snippet: "c d;" })] })] }
    const [block] = read(parts, hostFile)
    assert.deepStrictEqual(directivesNamed([block ?? { words: [], children: null }], "a"), [["b"]])
    assert.deepStrictEqual(named(parts, "location"), [["/"]])
    assert.deepStrictEqual(named(parts, "c"), [["d"]])
  })

  it("repeats the server's headers where a location has its own, because nginx would drop them", () => {
    const locations = [answering("a"), answering("b", { path: "/b", custom_headers: [{ name: "X-B", value: "1" }] })]
    const found = named(secure({ http3_enabled: true, locations }), "add_header", { nginx: nginx128 })
    const altSvc = ["Alt-Svc", 'h3=":443"; ma=86400', "always"]
    assert.deepStrictEqual(found, [altSvc, ["X-B", "1", "always"], altSvc])
  })

  it("has the variables of the specification's example", () => {
    const source =
      "x {{port}} {{server_name}} {{location_path}} {{upstream_name}} {{rate_limit_burst}} {{#each custom_headers}}{{name}}={{value}}{{/each}};"
    const locations = [location({ proxy_pass: "http://10.0.0.1:81", custom_headers: [{ name: "A", value: "b" }] })]
    const rate_limiting = {
      requests: 1,
      per: "second",
      burst: 0,
      nodelay: true,
      key: "uri",
      zone_size_kib: 64,
      status_code: 429
    } as const
    const parts = {
      hosts: [host(1, { template: "mine", locations, rate_limiting })],
      templates: [customTemplate("mine", source)]
    }
    assert.deepStrictEqual(named(parts, "x"), [["80", "site-1.example.com", "/", "10.0.0.1:81", "1", "A=b"]])
  })

  it("takes its template from its own workspace", () => {
    const templates = [{ ...customTemplate("mine", "x;"), workspace_id: otherWorkspace }]
    assert.match(failure({ hosts: [host(1, { template: "mine" })], templates })?.message ?? "", /not in the bundle/)
  })
})

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

  it("takes only addresses from a resolver", () => {
    const servers = [server("b.example:81")]
    assert.deepStrictEqual(lines({ servers }, new Map([["b.example", ["evil; load_module x"]]])), [
      "server 127.0.0.1:9 down"
    ])
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

describe("Names", () => {
  it("come from the random end of an id, not from its clock", () => {
    const [a, b] = ["0190a000-0000-7000-8000-00000000aaaa", "0190a000-0000-7000-8000-00000000bbbb"]
    const hosts = [a, b].map((id) =>
      host(1, { id: VirtualHostId.make(id), name: "x", workspace_id: workspace, server_name: `${id}.x` })
    )
    const paths = renderParts({ hosts }).files.map(({ path }) => path)
    assert.includeMembers(paths, ["http/20-host-x-0000aaaa.conf", "http/20-host-x-0000bbbb.conf"])
  })
})
