/** What each field of a virtual host becomes. */
import { assert, describe, it } from "@effect/vitest"
import { directivesNamed } from "../../../../test/support/NginxSyntax.ts"
import {
  answering,
  customTemplate,
  fileText,
  host,
  location,
  nginx128,
  otherWorkspace,
  renderParts
} from "./Fixtures.ts"
import { hostFile, read, named, failure, secure } from "./Reading.ts"

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
