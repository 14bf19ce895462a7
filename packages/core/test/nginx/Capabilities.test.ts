import { assert, describe, it } from "@effect/vitest"
import {
  compareVersions,
  hasHttp2,
  hasHttp2Directive,
  hasHttp3,
  hasKeepaliveMinTimeout,
  hasRejectHandshake,
  parseCapabilities
} from "../../src/nginx/Capabilities.ts"

const output = `nginx version: nginx/1.22.1
built with OpenSSL 3.0.20 7 Apr 2026
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2' --prefix=/usr/share/nginx --with-compat --with-http_ssl_module --with-http_v2_module --with-http_realip_module --without-http_gzip_module --with-stream=dynamic --with-http_geoip_module=dynamic
`
const at = (version: string, ...modules: ReadonlyArray<string>) => ({ version, modules })

describe("Capabilities", () => {
  it("reads version and modules, built in, added and left out", () => {
    const found = parseCapabilities(output)
    assert.strictEqual(found?.version, "1.22.1")
    const modules = Array.from(found?.modules ?? [])
    assert.includeMembers(modules, ["http_ssl", "http_v2", "http_realip", "http_proxy", "stream", "http_geoip"])
    assert.notInclude(modules, "http_gzip")
    assert.notInclude(modules, "http_v3")
  })

  it("reads forks, and answers null to anything else", () => {
    assert.strictEqual(
      parseCapabilities("nginx version: openresty/1.25.3.1\nconfigure arguments:\n")?.version,
      "1.25.3"
    )
    assert.strictEqual(parseCapabilities("nginx version: nginx/1.27.4 (Ubuntu)\n")?.version, "1.27.4")
    assert.isNull(parseCapabilities("bash: nginx: command not found"))
  })

  it("compares versions by number", () => {
    assert.isBelow(compareVersions("1.9.0", "1.10.0"), 0)
    assert.strictEqual(compareVersions("1.22.1", "1.22.1"), 0)
    assert.isAbove(compareVersions("2.0.0", "1.99.99"), 0)
  })

  it.each([
    ["http2 on", hasHttp2Directive, "1.25.1", "1.25.0", "http_v2"],
    ["quic", hasHttp3, "1.25.0", "1.24.0", "http_v3"],
    ["ssl_reject_handshake", hasRejectHandshake, "1.19.4", "1.19.3", "http_ssl"],
    ["keepalive_min_timeout", hasKeepaliveMinTimeout, "1.27.4", "1.27.3", "http_ssl"]
  ] as const)("%s has a first version", (_, has, first, before, module) => {
    assert.isTrue(has(at(first, module)))
    assert.isFalse(has(at(before, module)))
  })

  it("needs the module as well as the version", () => {
    assert.isFalse(hasHttp2(at("1.28.0")))
    assert.isFalse(hasHttp2Directive(at("1.28.0")))
    assert.isFalse(hasHttp3(at("1.28.0")))
  })
})
