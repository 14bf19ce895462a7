import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Cage from "@nxmesh/agent/nginx/Cage"
import { NginxInstance } from "@nxmesh/agent/nginx/NginxInstance"
import { Sandbox } from "@nxmesh/agent/nginx/Sandbox"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import * as Fixtures from "../../../packages/core/test/nginx/Fixtures.ts"
import { applyBundle, deploymentLayer, policy, selfSigned } from "./Bundles.ts"
import { dataDirectory, freePort, get, instanceAt, nginxBinary, site, temporaryInstance } from "./Instance.ts"

const temporaryDirectory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-cage-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

const entry = (tree: string): RenderedFile => ({
  path: "nxmesh.conf",
  content: `include ${tree}/http/*.conf;\n`,
  mode: 0o644,
  resource: null
})

/** What the sandbox says of hosts beside an nginx.conf that wants root, as a system's does. */
const checking = (configuration: string, hosts: ReadonlyArray<RenderedFile>) =>
  Effect.gen(function* () {
    const root = yield* temporaryDirectory
    const instance = { ...instanceAt(root), prefix: null }
    const file = join(root, "nginx.conf")
    yield* Effect.promise(() => writeFile(file, configuration.replaceAll("ROOT", root)))
    const directory = "20260302143000-000007"
    const tree = join(instance.confDirectory, directory)
    const verdict = yield* Sandbox.use(({ check }) =>
      check({
        nginx: {
          executable: nginxBinary,
          arguments: { configurationFile: file, prefix: null, globalDirectives: null }
        },
        directory,
        files: [entry(tree), ...hosts.map((host) => ({ ...host, content: host.content.replaceAll("TREE", tree) }))],
        isUntrusted: ({ resource }) => resource !== null
      })
    ).pipe(
      Effect.provide(Sandbox.layer(join(root, "data")).pipe(Layer.provide(Layer.succeed(NginxInstance, instance))))
    )
    assert.deepStrictEqual(yield* Effect.promise(() => readdir(join(root, "data", "sandbox"))), [])
    return verdict
  })

const systems = `user www-data;
worker_processes auto;
pid ROOT/no/such/directory/nginx.pid;
error_log ROOT/no/such/directory/error.log;
events { worker_connections 768; }
http {
    access_log ROOT/no/such/directory/access.log;
    client_body_temp_path ROOT/no/such/directory/body;
    upstream foreign { server nobody.invalid:80; }
    server { listen 80 default_server; listen 443 ssl; ssl_certificate ROOT/none.crt; ssl_certificate_key ROOT/none.key; }
    include ROOT/conf.d/current/*.conf;
}
`
const output = (
  verdict: Sandbox["Service"] extends { check: (subject: never) => Effect.Effect<infer A> } ? A : never
) => (verdict._tag === "Refused" ? verdict.output : JSON.stringify(verdict))

describe("the cage", () => {
  it.live("lets whoever runs in it read no secret, reach no network, see no process and keep no right", () =>
    Effect.gen(function* () {
      const [sandbox, secrets, open] = [yield* temporaryDirectory, yield* temporaryDirectory, yield* temporaryDirectory]
      yield* Effect.promise(async () => {
        await chmod(sandbox, 0o777)
        await writeFile(join(secrets, "key"), "planted", { mode: 0o600 })
        await chmod(open, 0o755)
        await writeFile(join(open, "key"), "planted", { mode: 0o644 })
      })
      const kind = yield* Cage.detect(sandbox)
      assert.isNotNull(kind)
      if (kind === null) return
      // Stands for an nginx that a tenant's text has taken over.
      const script = [
        `cat ${secrets}/key ${open}/key`,
        "grep -c . /proc/net/route /proc/net/dev",
        "ls /run | wc -l; ls /proc | grep -c '^[0-9]'",
        "cat /proc/self/environ | tr '\\0' '\\n' | grep -v '^PATH=\\|^PWD=\\|^OLDPWD=\\|^_='; grep 'CapEff\\|NoNewPrivs' /proc/self/status",
        "mount -t tmpfs tmpfs /tmp; kill -9 1; echo out > /etc/out; echo in > /tmp/in && echo wrote"
      ].join("\n")
      const found = yield* Cage.run(kind, {
        executable: "/bin/sh",
        arguments: ["-c", script],
        directory: sandbox,
        hidden: [open]
      })
      assert.notInclude(found.stdout, "planted")
      assert.match(found.stdout, /\/proc\/net\/route:[01]\n/) // at most its heading
      assert.include(found.stdout, "/proc/net/dev:3")
      assert.match(found.stdout, /\n0\n[0-9]\n/)
      assert.match(found.stdout, /\n[0-9]\nCapEff:\s+0{16}\nNoNewPrivs:\s+1\nwrote\n$/)
      assert.match(found.stderr, /mount: .*(permission denied|must be superuser)/i)
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(sandbox)), ["in"])
    })
  )

  it.live("ends what runs too long, with all that it started", () =>
    Effect.gen(function* () {
      const sandbox = yield* temporaryDirectory
      const caged = {
        executable: "/bin/sh",
        directory: sandbox,
        hidden: [],
        arguments: ["-c", "sleep 600 & sleep 601"]
      }
      const ended = yield* Effect.result(Effect.timeout(Cage.run("nobody", caged), "1 second"))
      assert.strictEqual(ended._tag, "Failure")
    })
  )
})

describe("the test in the sandbox", () => {
  it.live("passes a tree that needs root, keys, names and directories which it has not", () =>
    Effect.gen(function* () {
      const named = site(
        "b.test",
        80,
        "b",
        "    proxy_read_timeout 5s;\n    location /p { proxy_pass http://backend.invalid; }\n"
      )
      const foreign = site("c.test", 443, "c", "    location /f { proxy_pass http://foreign; }\n")
      const verdict = yield* checking(systems, [site("a.test", 80, "a"), named, foreign])
      assert.strictEqual(verdict._tag, "Passed", output(verdict))
    })
  )

  for (const [what, snippet, words] of [
    [
      "reads a file that is not its own",
      "listen 81 ssl; ssl_certificate TREE/t.crt; ssl_certificate_key TREE/t.key; ssl_trusted_certificate /etc/shadow;",
      "/etc/shadow"
    ],
    ["loads code into nginx", 'ssl_certificate_key "engine:evil:x"; ssl_certificate /etc/hostname;', ""],
    ["is not nginx's language", "no_such_directive on;", 'unknown directive "no_such_directive"'],
    ["names what nobody sets", "add_header X $nobody_sets_it;", "nobody_sets_it"]
  ] as const) {
    it.live(`refuses text that ${what}, and not for what nginx's own configuration does`, () =>
      Effect.gen(function* () {
        const verdict = yield* checking(systems, [site("a.test", 80, "a"), site("b.test", 80, "b", `    ${snippet}\n`)])
        assert.strictEqual(verdict._tag, "Refused", output(verdict))
        assert.include(output(verdict), words)
        assert.notInclude(output(verdict), "root:")
      })
    )
  }

  it.live("says that it cannot judge when nginx's own configuration is what it cannot read", () =>
    Effect.gen(function* () {
      const verdict = yield* checking(systems.replace("http {", "http { no_such_foreign on;"), [
        site("a.test", 80, "a")
      ])
      assert.strictEqual(verdict._tag, "Unjudged")
      assert.include(output(verdict), "no_such_foreign")
    })
  )

  it.live("comes before the test with nginx's rights, and names the snippet's host and line", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const port = yield* freePort
      const host = (number: number, fields: Parameters<typeof Fixtures.host>[1] = {}) =>
        Fixtures.host(number, { listen_port: port, ...fields })
      yield* Effect.gen(function* () {
        yield* policy("isolate")
        const certificate = Fixtures.certificate(9, yield* selfSigned("tls.test"))
        const tlsPort = yield* freePort
        const secure = { listen_port: tlsPort, ssl_enabled: true, ssl_certificate_id: certificate.id }
        const hosts = [
          host(1, { snippet: "add_header X-One 1;" }),
          host(2, { snippet: "no_such_directive on;" }),
          host(3, { ...secure, snippet: "add_header X-Three 3;" })
        ]
        const outcome = yield* applyBundle(Fixtures.bundle({ hosts, certificates: [certificate] }))
        assert.strictEqual(outcome.status, "settled", JSON.stringify(outcome))
        assert.deepStrictEqual(outcome.warnings, [])
        const [left] = outcome.quarantined ?? []
        assert.strictEqual(left?.resource?.name, "site 2")
        assert.include(left?.message, "tested in the sandbox")
        assert.match(left?.file ?? "", /^http\/20-host-site-2-/)
        assert.strictEqual(yield* get(port, "site-1.example.com"), "site 1")
        assert.deepStrictEqual(yield* Effect.promise(() => readdir(join(dataDirectory(instance), "sandbox"))), [])
      }).pipe(Effect.provide(deploymentLayer(instance)))
    })
  )
})
