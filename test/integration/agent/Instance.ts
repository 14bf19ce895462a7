/** One real nginx in a private prefix under a temporary directory, with a deployer that drives it. */
import { type Duration, Effect, Layer, References, type Scope } from "effect"
import { createHash } from "node:crypto"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { request } from "node:http"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { HeldBundle } from "@nxmesh/agent/bundle/HeldBundle"
import { CurrentPolicy } from "@nxmesh/agent/policy/CurrentPolicy"
import { QuarantineStore } from "@nxmesh/agent/deploy/QuarantineStore"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import type { JournalObserver } from "@nxmesh/agent/deploy/Journal"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { RenderFailure, TreeRenderer } from "@nxmesh/agent/deploy/TreeRenderer"
import { asNginxSees, NginxInstance, type NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import { NginxWish } from "@nxmesh/agent/nginx/NginxWish"
import * as OrphanWorkers from "@nxmesh/agent/nginx/OrphanWorkers"
import * as PrivatePrefix from "@nxmesh/agent/nginx/PrivatePrefix"
import * as ProcessTable from "@nxmesh/agent/nginx/ProcessTable"
import { Sandbox } from "@nxmesh/agent/nginx/Sandbox"
import { Supervisor } from "@nxmesh/agent/nginx/Supervisor"

export const nginxBinary = "/usr/sbin/nginx"

export const instanceAt = (root: string): NginxInstanceSettings => ({
  pidFile: join(root, "nginx.pid"),
  confDirectory: join(root, "conf.d"),
  runtimeDirectory: join(root, "run"),
  binary: nginxBinary,
  prefix: root
})

/** Kills what is left of an nginx, orphans too, and waits until it is gone. */
export const killAll = (instance: NginxInstanceSettings) =>
  Effect.gen(function* () {
    const logFile = instance.prefix === null ? null : PrivatePrefix.logFile(instance.prefix)
    const master = yield* Effect.result(NginxProcess.find(instance.pidFile))
    const processes = master._tag === "Success" ? [master.success, ...ProcessTable.children(master.success.pid)] : []
    for (const one of [...processes, ...OrphanWorkers.find(instance.runtimeDirectory, logFile)]) {
      yield* Effect.ignore(NginxProcess.signal(one, "SIGKILL"))
    }
    yield* until(Effect.sync(() => processes.every((one) => !ProcessTable.isAlive(one))))
  })

/** A temporary prefix; whatever nginx runs there ends with the scope. */
export const temporaryInstance: Effect.Effect<NginxInstanceSettings, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-agent-"))).pipe(Effect.map(instanceAt)),
  (instance) =>
    Effect.andThen(
      killAll(instance),
      Effect.promise(() => rm(instance.prefix ?? "", { recursive: true, force: true }))
    )
)

/** Waits for a fact. */
export const until = <E, R>(fact: Effect.Effect<boolean, E, R>, timeout: Duration.Input = "10 seconds") =>
  Effect.gen(function* () {
    while (!(yield* fact)) yield* Effect.sleep("5 millis")
  }).pipe(Effect.timeout(timeout), Effect.orDie)

export const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** The body of an answer on a connection of its own; `null` when there was none. */
export const get = (port: number, host: string) =>
  Effect.callback<string | null>((resume) => {
    const call = request({ host: "127.0.0.1", port, path: "/", headers: { host }, agent: false }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => (body += chunk))
      response.on("end", () => resume(Effect.succeed(body)))
      response.on("error", () => resume(Effect.succeed(null)))
    })
    call.on("error", () => resume(Effect.succeed(null)))
    call.end()
  })

/** A host that answers with a text, as one file of a tree. */
export const site = (name: string, port: number, body: string, more = ""): RenderedFile => ({
  path: `http/20-host-${name}.conf`,
  content: `server {\n    listen 127.0.0.1:${port};\n    server_name ${name};\n${more}    location / { return 200 "${body}"; }\n}\n`,
  mode: 0o644,
  resource: { kind: "virtual_host", id: `id-${name}`, name }
})

/** The files of the test's own trees, by generation: the deployer is tested beside the renderer, not through it. */
export class Trees {
  readonly byGeneration = new Map<string, ReadonlyArray<RenderedFile>>()

  /** A bundle whose tree is these files. */
  bundle(files: ReadonlyArray<RenderedFile>): Bundle {
    const generation = Generation.make(createHash("sha256").update(JSON.stringify(files)).digest("hex"))
    this.byGeneration.set(generation, files)
    return { generation, resources: [] }
  }
}

const frame = (
  instance: NginxInstanceSettings,
  bundle: Bundle,
  directory: string,
  deploymentId: string
): ReadonlyArray<RenderedFile> => [
  {
    path: "nxmesh.conf",
    content: `# nxmesh generation ${bundle.generation} deployment ${deploymentId}\ninclude ${asNginxSees(instance).confDirectory}/${directory}/http/*.conf;\n`,
    mode: 0o644,
    resource: null
  },
  {
    path: "http/90-proof.conf",
    content: `server {\n    listen unix:${asNginxSees(instance).runtimeDirectory}/proof.sock;\n    access_log off;\n    location = / { return 200 "${deploymentId} $pid"; }\n    location = /status { stub_status; }\n}\n`,
    mode: 0o644,
    resource: null
  }
]

export const treeRenderer = (instance: NginxInstanceSettings, trees: Trees) =>
  Layer.succeed(TreeRenderer, {
    render: ({ bundle, directory, deploymentId }) => {
      const files = bundle.resources.length === 0 ? (trees.byGeneration.get(bundle.generation) ?? []) : []
      return files.some(({ content }) => content === "unrenderable")
        ? Effect.fail(new RenderFailure({ message: "unrenderable", file: null, line: null, resource: null }))
        : Effect.succeed({ files: [...frame(instance, bundle, directory, deploymentId), ...files], warnings: [] })
    }
  })

export const dataDirectory = (instance: NginxInstanceSettings): string =>
  join(dirname(instance.runtimeDirectory), "data")

/** With what is durable of it in the instance's data directory. */
export const supervisorLayer = (instance: NginxInstanceSettings) =>
  Supervisor.layer.pipe(Layer.provideMerge(NginxWish.layer(dataDirectory(instance))))

/** What a deployer needs beside nginx and a renderer: `HeldBundle`, `CurrentPolicy`, `QuarantineStore`, `Sandbox`, `Identifiers`. */
export const besideDeployer = (directory: string) =>
  Layer.mergeAll(
    HeldBundle.layerMemory,
    CurrentPolicy.layer(directory),
    QuarantineStore.layer(directory),
    Sandbox.layer(directory)
  ).pipe(Layer.provideMerge(Identifiers.layer))

/** A deployer and its supervisor, as the agent has them. */
export const deployerLayer = (instance: NginxInstanceSettings, trees: Trees, observe?: JournalObserver) =>
  Deployer.layer({ dataDirectory: dataDirectory(instance), ...(observe === undefined ? {} : { observe }) }).pipe(
    Layer.provideMerge(supervisorLayer(instance)),
    Layer.provide(treeRenderer(instance, trees)),
    Layer.provideMerge(besideDeployer(dataDirectory(instance))),
    Layer.provideMerge(Layer.succeed(NginxInstance, instance)),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )

let ids = 0
export const nextDeploymentId = (): DeploymentId => {
  ids += 1
  return DeploymentId.make(`00000000-0000-4000-8000-${String(ids).padStart(12, "0")}`)
}

export const order = (index: number) => ({ epoch: 1, index })

/** Replaces a file of the prefix, as an operator would. */
export const edit = (path: string, change: (text: string) => string) =>
  Effect.promise(async () => writeFile(path, change(await readFile(path, "utf8"))))
