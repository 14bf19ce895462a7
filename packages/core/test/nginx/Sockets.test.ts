import { assert, describe, it } from "@effect/vitest"
import type { RenderInput } from "../../src/nginx/Render.ts"
import { host, layout, nginx122, nginx128, renderParts } from "./Fixtures.ts"
import type { Parts } from "./Fixtures.ts"
import { hostFile, named, files, tls, secure } from "./Reading.ts"

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
