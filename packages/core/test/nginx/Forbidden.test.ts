import { assert, describe, it } from "@effect/vitest"
import { forbiddenIn, hostTextProblems, snippetProblems } from "../../src/nginx/Forbidden.ts"
import { certificate, customTemplate, host, layout, location, renderParts, upstream } from "./Fixtures.ts"

const messages = (snippet: string, logDirectory: string | null = null) =>
  snippetProblems(snippet, { logDirectory }).map(({ line, message }) => `${line}: ${message}`)

const forbidden = [
  "load_module modules/x.so;",
  "ssl_engine x;",
  "include /etc/nginx/secret.conf;",
  '"include" mime.types;',
  "INCLUDE x;",
  "daemon off;",
  "pid /x;",
  "user root;",
  "env SECRET;",
  "worker_processes 9;",
  "error_log /etc/cron.d/x;",
  "error_log syslog:server=192.0.2.1;",
  "access_log /srv/x.log;",
  "access_log /var/log/nginx/$host.log;",
  "root /;",
  "root /etc;",
  "root /etc/nginx/conf.d/current/tls;",
  "root /srv/../etc;",
  "root /srv/$arg_x;",
  "root relative;",
  "location /x { alias /proc/self/; }",
  "alias /var;",
  "perl_set $x y;",
  "perl Hello::handler;",
  "js_content x;",
  "content_by_lua_block { os.execute(1) }",
  "access_by_lua_file /x;",
  "lua_package_path x;",
  "ssl_certificate /srv/x.crt;",
  "ssl_certificate_key data:$ssl_x;",
  "proxy_ssl_certificate_key /etc/ssl/private/x;",
  "ssl_client_certificate /srv/ca.pem;",
  "ssl_conf_command PrivateKey /x;",
  "proxy_ssl_conf_command Options x;",
  "ssl_password_file /x;",
  "ssl_dhparam /x;",
  "auth_basic_user_file /etc/shadow;",
  "proxy_pass http://unix:/run/nxmesh/proof.sock;",
  "proxy_pass HTTP://UNIX:/run/x;",
  "proxy_pass http://$arg_to;",
  "proxy_pass $scheme://x;",
  "grpc_pass unix:/x;",
  "fastcgi_pass $x;",
  "proxy_store on;",
  "proxy_store /srv/x;",
  "client_body_temp_path /etc;",
  "proxy_cache_path /srv/c keys_zone=x:1m;",
  "dav_methods PUT;",
  "client_body_in_file_only on;",
  "modsecurity_rules 'Include /etc/shadow';",
  "opentracing_load_tracer /x.so /y;",
  "api write=on;",
  "listen 9999;",
  "server_name other.example.com;",
  "if ($host = x) { root /root; }"
]

const allowed = [
  "",
  "# only a comment",
  "access_log off;",
  "proxy_redirect off;",
  "root /srv/www/$host;",
  "location /more { return 200 ok; }",
  "proxy_pass http://10.0.0.1:80/$request_uri;",
  "fastcgi_pass unix:/srv/php/fpm.sock;",
  "proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;",
  "add_header X-Included include;",
  "if ($request_method = POST) { return 405; }"
]

describe("snippetProblems", () => {
  it.each(forbidden.map((snippet) => [snippet]))("refuses %s", (snippet) => assert.lengthOf(messages(snippet), 1))
  it.each(allowed.map((snippet) => [snippet]))("allows %j", (snippet) => assert.deepStrictEqual(messages(snippet), []))

  it("names the line, and every one", () => {
    assert.deepStrictEqual(
      messages("a b;\nload_module x;\nlocation / {\n  daemon on;\n}").map((message) => message.slice(0, 15)),
      ['2: "load_module', '4: "daemon" set']
    )
  })

  it("refuses what would close the block around it", () => {
    assert.match(messages("a b; } location /x { c d;").join(), /closes nothing/)
    assert.match(messages("a {").join(), /not closed/)
    assert.match(messages("a b").join(), /has no ";"/)
    assert.match(messages('a "b;').join(), /is not closed/)
  })

  it("allows logs below the log directory and nowhere else", () => {
    assert.deepStrictEqual(messages("access_log /var/log/nxmesh/a.log;", "/var/log/nxmesh"), [])
    assert.lengthOf(messages("access_log /var/log/nxmesh/../x;", "/var/log/nxmesh"), 1)
    assert.lengthOf(messages("error_log /var/log/nxmesh2/x;", "/var/log/nxmesh"), 1)
    assert.lengthOf(messages("access_log var/log/nxmesh/x;", "/var/log/nxmesh"), 1)
  })
})

describe("without knowing the agent's log directory", () => {
  it.each(["access_log /srv/logs/a.log;", "error_log /var/log/nginx/a.log warn;", "access_log off;"])(
    "leaves %s to the agent",
    (snippet) => assert.deepStrictEqual(snippetProblems(snippet), [])
  )

  it.each([
    "access_log a.log;",
    "access_log /var/log/../x;",
    "access_log /var/log/$host;",
    "error_log stderr;",
    "error_log syslog:server=192.0.2.1;",
    "access_log syslog:server=unix:/run/x;"
  ])("refuses %s", (snippet) => assert.lengthOf(snippetProblems(snippet), 1))

  it("a tree's check says the same, and an agent's names its directory, the file and the line", () => {
    const tree = renderParts({ hosts: [host(1, { snippet: "access_log /srv/logs/a.log;" })] })
    assert.deepStrictEqual(forbiddenIn(tree), [])
    assert.deepStrictEqual(forbiddenIn(tree, { logDirectory: "/srv/logs" }), [])
    const [found] = forbiddenIn(tree, { logDirectory: "/var/log/nginx" })
    assert.strictEqual(found?.reason, "may only write below /var/log/nginx")
    assert.strictEqual(found?.resource?.name, "site 1")
    assert.isAbove(found?.line ?? 0, 1)
  })
})

describe("hostTextProblems", () => {
  it("names the field of each problem", () => {
    const found = hostTextProblems({
      snippet: "daemon on;",
      locations: [location({ root: "/srv" }), location({ root: "/etc" }), location({ snippet: "\npid x;" })]
    })
    assert.deepStrictEqual(
      found.map(({ field }) => field),
      ["snippet", "locations[1].root", "locations[2].snippet"]
    )
    assert.match(found[2]?.message ?? "", /^line 2: /)
  })
})

describe("forbiddenIn", () => {
  const settings = { layout: { ...layout, confDirectory: "/srv/nxmesh/conf.d", runtimeDirectory: "/srv/nxmesh/run" } }

  it("finds nothing in what the built-in templates make, with TLS too", () => {
    const files = certificate(0xc1)
    const hosts = ["default", "spa", "api", "static", "websocket"].map((template, index) =>
      host(index, {
        template,
        ssl_enabled: true,
        ssl_certificate_id: files.id,
        locations: [location({ root: "/srv/www" })]
      })
    )
    assert.deepStrictEqual(forbiddenIn(renderParts({ hosts, certificates: [files], upstreams: [upstream(9)] })), [])
  })

  it.each([
    ["root /srv/nxmesh;", /would serve files of/],
    ["root /srv/nxmesh/conf.d/current/tls;", /would serve files of/],
    ["fastcgi_pass unix:/srv/nxmesh/run/proof.sock;", /unix socket/],
    ["ssl_certificate_key /srv/nxmesh/conf.d/other/tls/x.key;", /outside the rendered tree/]
  ])("knows the tree's own places: %s", (snippet, reason) => {
    const [found] = forbiddenIn(renderParts({ hosts: [host(1, { snippet: `\n${snippet}` })] }, settings))
    assert.match(found?.reason ?? "", reason)
    assert.strictEqual(found?.resource?.name, "site 1")
    assert.match(found?.file ?? "", /^http\/20-host-site-1-/)
    assert.isAbove(found?.line ?? 0, 1)
  })

  it("finds what a field, a template or its structure did", () => {
    const field = renderParts({ hosts: [host(1, { locations: [location({ root: "/srv/nxmesh/conf.d" })] })] }, settings)
    assert.deepStrictEqual(
      forbiddenIn(field).map(({ directive }) => directive),
      ["root"]
    )
    const templates = [
      customTemplate("loads", "load_module x;\n{{> default}}"),
      customTemplate("listens", "server { listen unix:/srv/x.sock; }"),
      customTemplate("connects", "upstream x { server unix:/srv/x.sock; }"),
      customTemplate("steals", "server { listen 80 default_server; }"),
      customTemplate("broken", "server {")
    ]
    const hosts = templates.map(({ name }, index) => host(index, { template: name }))
    assert.deepStrictEqual(
      forbiddenIn(renderParts({ hosts, templates })).map(({ directive }) => directive),
      ["load_module", "listen", "server", "listen", ""]
    )
  })
})
