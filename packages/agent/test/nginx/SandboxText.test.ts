import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parseNginx } from "@nxmesh/core/nginx/Parse"
import { mainText, sandboxText, type SandboxSurroundings, withRealPaths } from "../../src/nginx/SandboxText.ts"

const around: SandboxSurroundings = {
  configurationDirectory: "/etc/nginx",
  prefix: "/usr/share/nginx",
  tree: "/etc/nginx/conf.d/20260302143000-000007",
  current: "/etc/nginx/conf.d/current",
  upstreams: new Set(["nxm_1_api"])
}
const directives = (text: string) => Result.getOrThrow(parseNginx(text))
const tenants = (text: string) =>
  sandboxText({ path: "/x.conf", directives: directives(text), isTenants: true }, around).trim()
const own = (text: string) =>
  sandboxText({ path: "/x.conf", directives: directives(text), isTenants: false }, around).trim()

describe("a file in the sandbox", () => {
  it("keeps every directive on its line, so that nginx's words name the line of the real file", () => {
    const text =
      'server {\n\n    server_name a.test\n        b.test;\n    return 200 "two\nlines";\n    # gone\n    gzip on;\n}\n'
    const written = sandboxText({ path: "/x.conf", directives: directives(text), isTenants: true }, around)
    const lines = (source: string) =>
      source.split("\n").map((line) => /server_name|gzip|return|server \{/.exec(line)?.[0])
    assert.deepStrictEqual(lines(written).slice(0, 8), lines(text).slice(0, 8))
  })

  it("means the same to nginx: what is quoted or escaped reads as before", () => {
    const text = `location ~ \\.php$ { add_header X "a \\"b\\" \\\\ c" always; if ($request_method = POST) { return 405; } }`
    assert.deepStrictEqual(directives(tenants(text)), directives(text))
  })

  it("listens on a unix socket for each address, with the options that count", () => {
    assert.match(tenants("listen 80 default_server reuseport;"), /^listen unix:\/tmp\/s\/[0-9a-f]+ default_server;$/)
    assert.strictEqual(tenants("listen 80;"), tenants("listen *:80;"))
    assert.strictEqual(tenants("listen 80;"), tenants("listen 0.0.0.0:80;"))
    assert.notStrictEqual(tenants("listen 80;"), tenants("listen [::]:80;").replace(" ipv6only=on", ""))
    assert.match(tenants("listen [::]:443 ssl http2 ipv6only=on;"), / ssl http2;$/)
  })

  it("has a dummy for each certificate of the tree, and for all that are not a tenant's", () => {
    const tree = `${around.tree}/tls/1.key`
    assert.strictEqual(tenants(`ssl_certificate_key ${tree};`), "ssl_certificate_key /tmp/dummy.key;")
    assert.strictEqual(own("ssl_certificate /etc/ssl/x.pem;"), "ssl_certificate /tmp/dummy.crt;")
    assert.strictEqual(own("ssl_password_file /etc/ssl/pass;"), "")
  })

  it("leaves what a tenant's text names outside of the tree, for the sandbox to stop", () => {
    for (const text of [
      "ssl_trusted_certificate /etc/shadow;",
      "ssl_certificate_key engine:pkcs11:slot;",
      "ssl_password_file /root/secret;"
    ]) {
      assert.strictEqual(tenants(text), text)
    }
  })

  it("resolves no name", () => {
    assert.strictEqual(tenants("proxy_pass http://backend.internal:8080/x;"), "proxy_pass http://127.0.0.1:8080/x;")
    assert.strictEqual(tenants("proxy_pass http://nxm_1_api/x;"), "proxy_pass http://nxm_1_api/x;")
    assert.strictEqual(tenants("proxy_pass http://$host;"), "proxy_pass http://$host;")
    assert.strictEqual(tenants("proxy_pass http://[::1]:80;"), 'proxy_pass "http://[::1]:80";')
    assert.strictEqual(tenants("fastcgi_pass unix:/run/php.sock;"), "fastcgi_pass unix:/run/php.sock;")
    assert.strictEqual(
      tenants("upstream u { server a.internal:80 weight=2; server 10.0.0.1; }"),
      "upstream u { server 127.0.0.1:80 weight=2; server 10.0.0.1; }"
    )
    assert.strictEqual(tenants("resolver dns.internal 10.0.0.2 valid=30s;"), "resolver 127.0.0.1 10.0.0.2 valid=30s;")
    assert.strictEqual(tenants("set_real_ip_from proxy.internal;"), "set_real_ip_from 127.0.0.1;")
    assert.strictEqual(tenants("set_real_ip_from 10.0.0.0/8;"), "set_real_ip_from 10.0.0.0/8;")
  })

  it("logs and caches in the sandbox", () => {
    assert.strictEqual(
      tenants("access_log /var/log/nginx/a.log main buffer=4k;"),
      "access_log /tmp/log main buffer=4k;"
    )
    assert.strictEqual(tenants("access_log off;"), "access_log off;")
    assert.strictEqual(tenants("error_log syslog:server=logs.internal warn;"), "error_log /tmp/log warn;")
    assert.match(
      own("proxy_cache_path /var/cache/a keys_zone=a:1m;"),
      /^proxy_cache_path \/tmp\/temp\/\w+ keys_zone=a:1m;$/
    )
  })

  it("leaves the entries of a table alone", () => {
    const text = 'map $host $x { listen 80; user nobody; default ""; }'
    assert.deepStrictEqual(directives(own(text)), directives(text))
  })

  it("begins as nobody's process, with the tree where current is included", () => {
    const text =
      "user www-data;\npid /run/nginx.pid;\nload_module modules/x.so;\nevents {}\nhttp {\n  include mime.types;\n  include /etc/nginx/conf.d/current/*.conf;\n}\nstream { }\n"
    const main = mainText({ path: "/etc/nginx/nginx.conf", directives: directives(text), isTenants: false }, around)
    assert.match(main, /^pid \/tmp\/nginx.pid; error_log stderr; \n\nload_module \/usr\/share\/nginx\/modules\/x.so;/)
    assert.notInclude(main, "user")
    assert.notInclude(main, "stream")
    assert.include(main, "include /tmp/f/etc/nginx/mime.types;")
    assert.include(main, `include /tmp/f${around.tree}/*.conf;`)
    assert.strictEqual(withRealPaths("in /tmp/f/etc/nginx/nginx.conf:7"), "in /etc/nginx/nginx.conf:7")
  })
})
