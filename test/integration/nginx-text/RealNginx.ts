/** A tree on disk under a prefix of its own, read and served by the machine's real nginx without privileges. */
import { Effect } from "effect"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import { parseCapabilities } from "@nxmesh/core/nginx/Capabilities"
import type { Layout } from "@nxmesh/core/nginx/Layout"
import type { RenderedTree } from "@nxmesh/core/nginx/Render"
import { until } from "../../support/Wait.ts"

const binary = "/usr/sbin/nginx"
const nobody = 65_534

/** Root hands nginx to an unprivileged user; anybody else already is one. */
const unprivileged = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}

export interface RealNginx {
  readonly prefix: string
  readonly layout: Layout
  readonly capabilities: NginxCapabilities
  /** Writes a tree and reads it with `nginx -T`. */
  readonly read: (tree: RenderedTree) => { readonly accepted: boolean; readonly errors: string; readonly dump: string }
  /** Serves the tree written last until the scope ends. */
  readonly serve: (tree: RenderedTree) => Effect.Effect<void>
}

const mainConfiguration = (prefix: string) => `daemon off;
pid ${prefix}/nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
    access_log ${prefix}/temporary/access.log;
    client_body_temp_path ${prefix}/temporary/body;
    proxy_temp_path ${prefix}/temporary/proxy;
    fastcgi_temp_path ${prefix}/temporary/fastcgi;
    uwsgi_temp_path ${prefix}/temporary/uwsgi;
    scgi_temp_path ${prefix}/temporary/scgi;
    include ${prefix}/conf.d/current/*.conf;
}
`

const own = (path: string) => {
  if (unprivileged.uid !== undefined) chownSync(path, unprivileged.uid, unprivileged.gid)
}

const makeDirectory = (path: string) => {
  mkdirSync(path, { recursive: true })
  own(path)
}

export const directory = "current"

export const realNginx = Effect.acquireRelease(
  Effect.sync((): RealNginx & { readonly stop: Array<() => Promise<void>> } => {
    const prefix = mkdtempSync(join(tmpdir(), "nxmesh-text-"))
    chmodSync(prefix, 0o755)
    own(prefix)
    for (const name of ["run", "temporary", "www", "conf.d"]) makeDirectory(join(prefix, name))
    writeFileSync(join(prefix, "nginx.conf"), mainConfiguration(prefix))
    const layout: Layout = {
      confDirectory: join(prefix, "conf.d"),
      runtimeDirectory: join(prefix, "run"),
      logDirectory: null,
      ownsMainContext: true,
      ownsDefaultServer: true
    }
    const capabilities = parseCapabilities(spawnSync(binary, ["-V"], { encoding: "utf8" }).stderr)
    if (capabilities === null) throw new Error(`${binary} -V says nothing that can be read`)
    const write = (tree: RenderedTree) => {
      rmSync(join(prefix, "conf.d", directory), { recursive: true, force: true })
      for (const file of tree.files) {
        const path = join(prefix, "conf.d", directory, file.path)
        makeDirectory(dirname(path))
        writeFileSync(path, file.content, { mode: file.mode })
        own(path)
      }
    }
    const run = (...args: ReadonlyArray<string>) => ["-p", prefix, "-c", join(prefix, "nginx.conf"), ...args]
    const stop: Array<() => Promise<void>> = []
    const read: RealNginx["read"] = (tree) => {
      write(tree)
      const result = spawnSync(binary, run("-T"), {
        ...unprivileged,
        encoding: "utf8",
        maxBuffer: 256 * 1_048_576,
        timeout: 30_000
      })
      return { accepted: result.status === 0, errors: result.stderr, dump: result.stdout }
    }
    const serve: RealNginx["serve"] = (tree) =>
      Effect.gen(function* () {
        write(tree)
        const child = spawn(binary, run(), { ...unprivileged, stdio: ["ignore", "ignore", "pipe"] })
        let errors = ""
        child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
        const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
        stop.push(() => {
          child.kill("SIGTERM")
          return exited
        })
        yield* until(
          Effect.sync(() => (child.exitCode === null ? proof(layout).trim() : errors)),
          (answer) => /^\S+ \d+$/.test(answer),
          { fact: "nginx answers on its proof socket" }
        )
      })
    return { prefix, layout, capabilities, read, serve, stop }
  }),
  ({ prefix, stop }) =>
    Effect.promise(async () => {
      await Promise.all(stop.map((end) => end()))
      rmSync(prefix, { recursive: true, force: true })
    })
)

/** What the proof socket answers; empty when nobody does. */
export const proof = (layout: Layout, path = "/"): string => {
  const socket = join(layout.runtimeDirectory, "proof.sock")
  const result = spawnSync("curl", ["-s", "-m", "5", "--unix-socket", socket, `http://localhost${path}`], {
    encoding: "utf8"
  })
  return result.stdout
}

export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** A self-signed certificate for a name. */
export const selfSigned = (name: string): KeyPair => {
  const folder = mkdtempSync(join(tmpdir(), "nxmesh-text-key-"))
  try {
    const [keyFile, certificateFile] = [join(folder, "key"), join(folder, "certificate")]
    const request = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${name} -addext subjectAltName=DNS:${name}`
    execFileSync("openssl", [...request.split(" "), "-keyout", keyFile, "-out", certificateFile], { stdio: "ignore" })
    const text = (path: string) => execFileSync("cat", [path], { encoding: "utf8" })
    return { certificate: text(certificateFile), key: text(keyFile) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Answer {
  readonly status: number
  readonly headers: string
  readonly body: string
}

/** Asks with curl; status 0 when the connection was closed without an answer. */
export const ask = (url: string, ...options: ReadonlyArray<string>): Answer => {
  const result = spawnSync("curl", ["-sk", "-m", "5", "-i", ...options, url], { encoding: "utf8" })
  const [headers = "", ...rest] = result.stdout.split("\r\n\r\n")
  return { status: Number(/^HTTP\/[\d.]+ (\d+)/.exec(headers)?.[1] ?? 0), headers, body: rest.join("\r\n\r\n") }
}
