/** Goal: what is rendered does, on real nginx, what its fields say. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { forbiddenIn } from "@nxmesh/core/nginx/Forbidden"
import { fileBlamed, twins } from "@nxmesh/core/nginx/Culprit"
import { parseErrors } from "@nxmesh/core/nginx/ErrorLine"
import { render } from "@nxmesh/core/nginx/Render"
import type { RenderedTree } from "@nxmesh/core/nginx/Render"
import {
  answering,
  certificate,
  customTemplate,
  host,
  location,
  renderInput,
  server,
  upstream,
  uuid
} from "../../../packages/core/test/nginx/Fixtures.ts"
import type { Parts } from "../../../packages/core/test/nginx/Fixtures.ts"
import { freePorts } from "../../support/FreePort.ts"
import { until } from "../../support/Wait.ts"
import { directory, ask, proof, realNginx, selfSigned } from "./RealNginx.ts"
import type { RealNginx } from "./RealNginx.ts"

const tree = (nginx: RealNginx, parts: Parts): RenderedTree =>
  Result.getOrThrow(render(renderInput(parts, { nginx: nginx.capabilities, layout: nginx.layout, directory })))

const placeOf = (nginx: RealNginx, { files }: RenderedTree) => ({
  directory: `${nginx.layout.confDirectory}/${directory}`,
  files
})

const at = (port: number, name: string, path = "/") =>
  [`http://${name}:${port}${path}`, "--resolve", `${name}:${port}:127.0.0.1`] as const

const proxySettings = {
  connect_timeout_seconds: 3,
  send_timeout_seconds: 4,
  read_timeout_seconds: 5,
  buffering: false,
  buffer_size_kib: 16,
  forwarded_headers: true
}
const limit = {
  requests: 1,
  per: "minute" as const,
  burst: 0,
  nodelay: true,
  key: "remote_addr" as const,
  zone_size_kib: 64,
  status_code: 429
}

/** A backend in nginx itself: it answers what reached it. */
const echo = (number: number, port: number): VirtualHost =>
  host(number, {
    server_name: `echo-${number}.example.com`,
    listen_port: port,
    locations: [location({ return: { status: 200, text: "$host $http_x_forwarded_for $http_x_forwarded_proto $uri" } })]
  })

describe("A rendered tree on real nginx", () => {
  it.live("is accepted with every field set, in each template", () =>
    Effect.gen(function* () {
      const nginx = yield* realNginx
      const [port = 0, tlsPort = 0] = yield* freePorts(2)
      const pair = selfSigned("full.example.com")
      const files = certificate(0xc1, { certificate_pem: pair.certificate, private_key_pem: pair.key })
      const pool = upstream(0xb1, {
        algorithm: "least_connections",
        keepalive_connections: 16,
        keepalive_timeout: 30,
        servers: [
          server("192.0.2.1:8080", { weight: 3, max_fails: 5, fail_timeout: 20 }),
          server("unresolved.example:8080", { backup: true }),
          server("[2001:db8::1]:8080", { down: true })
        ]
      })
      const hashed = upstream(0xb2, { algorithm: "ip_hash", servers: [server("none.example:80", { weight: 2 })] })
      const full = (number: number, fields: Partial<VirtualHost>) =>
        host(number, {
          listen_port: port,
          gzip_enabled: true,
          rate_limiting: { ...limit, burst: 5, key: "server_name" },
          client_max_body_kib: 0,
          access_rules: [
            { action: "deny", address: "203.0.113.0/24" },
            { action: "allow", address: "all" }
          ],
          real_ip: { from: ["10.0.0.0/8", "2001:db8::/32"], header: "X-Forwarded-For", recursive: true },
          snippet: "client_header_timeout 10s; # a comment without an end",
          locations: [
            location({
              upstream_id: pool.id,
              proxy: proxySettings,
              websocket: true,
              custom_headers: [{ name: "X-A", value: "a;b" }],
              rewrite_rules: [{ pattern: "^/a/(\\d{2})/(.*)$", replacement: "/b/$1?x=$2", flag: "break" }],
              access_rules: [{ action: "allow", address: "2001:db8::/32" }],
              snippet: "proxy_redirect off;"
            }),
            location({ path: "~* \\.(png|jpe?g)$", root: join(nginx.prefix, "www"), index: "index.html index.htm" }),
            location({ path: "= /exact", proxy_pass: "https://192.0.2.9/x" }),
            location({ path: "^~ /named", proxy_pass: `https://${pool.name}/y` }),
            location({ path: "/else", proxy_pass: "https://elsewhere.example:8443/z" }),
            location({ path: "/hashed", upstream_id: hashed.id })
          ],
          ...fields
        })
      const templates = ["default", "spa", "api", "static", "websocket", "custom"]
      const hosts = [
        ...templates.map((template, index) => full(0x10 + index, { template })),
        full(0x20, {
          listen_port: tlsPort,
          listen_ipv6: true,
          ssl_enabled: true,
          ssl_certificate_id: files.id,
          http2_enabled: true,
          http3_enabled: true,
          tls_policy: "modern"
        })
      ]
      const custom = customTemplate("custom", "# {{name}}\n{{> default}}")
      const rendered = tree(nginx, { hosts, upstreams: [pool, hashed], certificates: [files], templates: [custom] })
      const { accepted, errors } = nginx.read(rendered)
      assert.isTrue(accepted, errors)
      assert.deepStrictEqual(
        parseErrors(errors).map(({ message }) => message),
        []
      )
      assert.deepStrictEqual(forbiddenIn(rendered), [])
      assert.deepStrictEqual(rendered.warnings.length, nginx.capabilities.modules.includes("http_v3") ? 0 : 1)
    })
  )

  it.live("routes, adds headers, limits, redirects and refuses strangers", () =>
    Effect.gen(function* () {
      const nginx = yield* realNginx
      const [port = 0, backendPort = 0] = yield* freePorts(2)
      const www = join(nginx.prefix, "www")
      mkdirSync(join(www, "app"))
      writeFileSync(join(www, "app", "index.html"), "the app")
      writeFileSync(join(www, "style.css"), "p {}".repeat(200))
      const site = host(0x10, {
        server_name: "site.example.com, *.site.example.com",
        listen_port: port,
        gzip_enabled: true,
        locations: [
          answering("root"),
          answering("quoted", {
            path: '~ ^/(a b|"c"|d{2}|\\}|;)$',
            custom_headers: [{ name: "X-Quoted", value: 'say "hi"; \\ {$host}' }]
          }),
          location({ path: "/moved", return: { status: 308, text: "https://$host/new" } }),
          location({ path: "/style.css", root: www }),
          location({ path: "/denied", root: www, access_rules: [{ action: "deny", address: "all" }] }),
          location({
            path: "/rewritten/",
            proxy_pass: `http://backend.example:${backendPort}`,
            rewrite_rules: [{ pattern: "^/rewritten/(.*)$", replacement: "/to/$1", flag: "break" }]
          }),
          location({ path: "/exact/", proxy_pass: `http://127.0.0.1:${backendPort}/under/` }),
          location({
            path: "/own-host/",
            proxy_pass: `http://backend.example:${backendPort}/`,
            proxy: { ...proxySettings, forwarded_headers: false }
          })
        ]
      })
      const app = host(0x11, {
        template: "spa",
        server_name: "app.example.com",
        listen_port: port,
        locations: [location({ path: "/app/", root: www })]
      })
      const limited = host(0x12, {
        server_name: "limited.example.com",
        listen_port: port,
        rate_limiting: limit,
        locations: [location({ root: www })]
      })
      const backend = host(0x13, {
        ...echo(0x13, backendPort),
        server_name: "site.example.com, backend.example"
      })
      const rendered = Result.getOrThrow(
        render(
          renderInput(
            { hosts: [site, app, limited, backend] },
            {
              nginx: nginx.capabilities,
              layout: nginx.layout,
              directory,
              addresses: new Map([["backend.example", ["127.0.0.1"]]])
            }
          )
        )
      )
      yield* nginx.serve(rendered)
      const get = (name: string, path: string, ...options: ReadonlyArray<string>) => {
        const [url, ...resolve] = at(port, name, path)
        return ask(url, ...resolve, ...options)
      }
      assert.strictEqual(get("site.example.com", "/anything").body, "root")
      assert.strictEqual(get("deep.site.example.com", "/").body, "root")
      for (const path of ["/a%20b", "/%22c%22", "/dd", "/%7D", "/%3B"]) {
        const answer = get("site.example.com", path)
        assert.strictEqual(answer.body, "quoted", path)
        assert.include(answer.headers, 'X-Quoted: say "hi"; \\ {site.example.com}')
      }
      const moved = get("site.example.com", "/moved")
      assert.strictEqual(moved.status, 308)
      assert.include(moved.headers, "Location: https://site.example.com/new")
      assert.include(
        get("site.example.com", "/style.css", "-H", "Accept-Encoding: gzip").headers,
        "Content-Encoding: gzip"
      )
      assert.strictEqual(get("site.example.com", "/denied").status, 403)
      assert.strictEqual(get("site.example.com", "/rewritten/x").body, "site.example.com 127.0.0.1 http /to/x")
      assert.strictEqual(get("site.example.com", "/exact/x").body, "site.example.com 127.0.0.1 http /under/x")
      assert.strictEqual(get("site.example.com", "/own-host/x").body, "backend.example   /x")
      assert.strictEqual(get("app.example.com", "/app/some/page").body, "the app")
      assert.strictEqual(get("limited.example.com", "/style.css").status, 200)
      assert.strictEqual(get("limited.example.com", "/style.css").status, 429)
      assert.strictEqual(get("stranger.example.com", "/").status, 0)
      assert.match(proof(nginx.layout), new RegExp(`^${uuid(0xd)} \\d+$`))
      assert.match(proof(nginx.layout, "/status"), /^Active connections: \d+/)
    })
  )

  it.live(
    "writes an access log for the agent as JSON, whatever bytes a request holds, and none for foreign hosts",
    () =>
      Effect.gen(function* () {
        const nginx = yield* realNginx
        const [port = 0, otherPort = 0] = yield* freePorts(2)
        const log = join(nginx.prefix, "run", "nxmesh.log")
        const layout = { ...nginx.layout, accessLog: { path: log, ownHostsOnly: true } }
        const long = `${"l".repeat(60)}.example.com`
        const hosts = [
          host(1, { server_name: "*.wild.example.com, other.example.com", listen_port: port }),
          host(2, { server_name: long, listen_port: port }),
          host(3, { server_name: "own.example.com", listen_port: port, snippet: `access_log ${log}.own;` })
        ]
        const rendered = Result.getOrThrow(
          render(renderInput({ hosts }, { nginx: nginx.capabilities, layout, directory }))
        )
        const foreign = `server {\n    listen ${otherPort};\n    server_name foreign.example.com;\n    return 200;\n}\n`
        const files = [
          ...rendered.files,
          { path: "http/95-foreign.conf", content: foreign, mode: 0o644 as const, resource: null }
        ]
        yield* nginx.serve({ ...rendered, files })
        ask(...at(port, "a.wild.example.com", "/q?x=%22"), "-A", 'say "hi" \\ \x01')
        ask(...at(port, long))
        ask(...at(port, "own.example.com"))
        ask(...at(otherPort, "foreign.example.com"))
        const seen = yield* until(
          Effect.sync(() => readFileSync(log, "utf8").split("\n").filter(Boolean)),
          (lines) => lines.length >= 2,
          { fact: "both requests are in the log" }
        )
        const entries = seen.map((line) => JSON.parse(line) as Record<string, string>)
        assert.lengthOf(entries, 2)
        assert.deepInclude(entries[0], {
          ...{ server_name: "*.wild.example.com", server_port: String(port), host: "a.wild.example.com" },
          ...{ uri: "/q?x=%22", user_agent: 'say "hi" \\ \x01', status: "200", referer: "" }
        })
        assert.strictEqual(entries[1]?.["server_name"], long)
      })
  )

  it.live("guards fixed answers too, which nginx by itself gives before it looks at access and rates", () =>
    Effect.gen(function* () {
      const nginx = yield* realNginx
      const [port = 0] = yield* freePorts(1)
      const denied = { access_rules: [{ action: "deny" as const, address: "all" }] }
      const allowed = { access_rules: [{ action: "allow" as const, address: "127.0.0.1" }] }
      const hosts = [
        host(0x10, {
          ...denied,
          server_name: "closed.example.com",
          listen_port: port,
          locations: [
            answering("never"),
            answering("open $uri", { path: "/open", ...allowed, custom_headers: [{ name: "X-A", value: "b" }] })
          ]
        }),
        host(0x11, {
          server_name: "limited.example.com",
          listen_port: port,
          rate_limiting: limit,
          locations: [answering("once")]
        })
      ]
      yield* nginx.serve(tree(nginx, { hosts }))
      const get = (name: string, path: string) => {
        const [url, ...resolve] = at(port, name, path)
        return ask(url, ...resolve)
      }
      assert.strictEqual(get("closed.example.com", "/").status, 403)
      const open = get("closed.example.com", "/open/x")
      assert.strictEqual(open.body, "open /open/x")
      assert.include(open.headers, "X-A: b")
      assert.strictEqual(get("limited.example.com", "/").body, "once")
      assert.strictEqual(get("limited.example.com", "/").status, 429)
    })
  )

  it.live("serves TLS by name, HTTP/2, and refuses handshakes for strangers", () =>
    Effect.gen(function* () {
      const nginx = yield* realNginx
      const [tlsPort = 0] = yield* freePorts(1)
      const pair = selfSigned("tls.example.com")
      const files = certificate(0xc1, { certificate_pem: pair.certificate, private_key_pem: pair.key })
      const tls = { listen_port: tlsPort, ssl_enabled: true, ssl_certificate_id: files.id }
      const hosts = [
        host(0x10, { ...tls, server_name: "tls.example.com", http2_enabled: true }),
        host(0x11, { ...tls, server_name: "other.example.com", locations: [answering("other")] })
      ]
      yield* nginx.serve(tree(nginx, { hosts, certificates: [files] }))
      const get = (name: string, ...options: ReadonlyArray<string>) =>
        ask(`https://${name}:${tlsPort}/`, "--resolve", `${name}:${tlsPort}:127.0.0.1`, ...options)
      assert.strictEqual(get("tls.example.com").body, "site 16")
      assert.match(get("tls.example.com", "--http2").headers, /^HTTP\/2 200/)
      assert.strictEqual(get("other.example.com", "--http1.1").body, "other")
      assert.strictEqual(get("stranger.example.com").status, 0)
      assert.strictEqual(get("tls.example.com", "--tls-max", "1.1").status, 0)
    })
  )

  it.live("names the resource of an error and of a warning that matters", () =>
    Effect.gen(function* () {
      const nginx = yield* realNginx
      const [port = 0] = yield* freePorts(1)
      const broken = tree(nginx, {
        hosts: [
          host(0x10, { listen_port: port }),
          host(0x11, { listen_port: port, snippet: "\nno_such_directive on;" })
        ]
      })
      const [error] = parseErrors(nginx.read(broken).errors)
      assert.include(error, { level: "emerg", message: 'unknown directive "no_such_directive"' })
      assert.strictEqual(
        error === undefined ? null : fileBlamed(error, placeOf(nginx, broken))?.resource?.id,
        uuid(0x11)
      )
      const same = { listen_port: port, server_name: "same.example.com" }
      const conflicting = tree(nginx, { hosts: [host(0x10, same), host(0x11, same)] })
      const read = nginx.read(conflicting)
      assert.isTrue(read.accepted)
      const [warning] = parseErrors(read.errors)
      assert.match(warning?.message ?? "", /^conflicting server name "same\.example\.com"/)
      assert.strictEqual(
        warning === undefined ? null : twins(warning, placeOf(nginx, conflicting)).at(-1)?.resource?.id,
        uuid(0x11)
      )
    })
  )
})
