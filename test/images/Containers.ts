/** Containers of built images, as namespaces make them: a root of their own, a mount and a PID namespace, and the rights that Docker gives. */
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { mountContainer, removeContainer } from "../../cli/images/Build.ts"
import { children } from "../../packages/agent/src/nginx/ProcessTable.ts"
import { dockerRights, type Rights, withRights } from "../integration/sidecar/Pod.ts"
import { temporaryDirectory } from "../support/Fleet.ts"
import { until } from "../support/Wait.ts"

export interface Volume {
  /** On this machine. */
  readonly from: string
  /** In the container. */
  readonly to: string
}

export interface ContainerOptions {
  readonly image: string
  readonly command: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  readonly volumes: ReadonlyArray<Volume>
  readonly rights?: Rights
  /** The process whose PID namespace it shares; one of its own otherwise. */
  readonly sharesPids?: number
}

export interface Container {
  /** Its first process, as this machine sees it. */
  readonly pid: number
  readonly output: () => string
}

const shell = (root: string, { rights = dockerRights, volumes }: ContainerOptions): string =>
  [
    "set -e",
    `mount --bind ${root} ${root}`,
    `mount -t proc proc ${root}/proc`,
    `mount --rbind /dev ${root}/dev`,
    ...volumes.map(({ from, to }) =>
      [
        `if [ -d ${from} ]; then mkdir -p ${root}${to}; else mkdir -p $(dirname ${root}${to}); touch ${root}${to}; fi`,
        `mount --bind ${from} ${root}${to}`
      ].join("; ")
    ),
    // Root is needed to change it, and the user of the container comes after that.
    `exec ${withRights({ ...rights, uid: 0 })} chroot --userspec=${rights.uid}:${rights.uid} --groups= ${root} "$@"`
  ].join("\n")

/** Its output goes to a file: what Node makes for it is a socket, which nginx could not open as /dev/stdout. */
const start = (root: string, output: string, options: ContainerOptions) => {
  const pids = options.sharesPids === undefined ? ["--pid", "--fork", "--kill-child=SIGKILL"] : []
  const enter =
    options.sharesPids === undefined ? [] : ["nsenter", "--target", String(options.sharesPids), "--pid", "--"]
  const [command = "unshare", ...rest] = [
    ...[...enter, "unshare", "--mount", "--propagation", "private", ...pids],
    ...["sh", "-c", shell(root, options), "sh", ...options.command]
  ]
  const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  const file = openSync(output, "a")
  const child = spawn(command, rest, { env: { PATH, ...options.environment }, stdio: ["ignore", file, file] })
  closeSync(file)
  return child
}

/** Runs as long as the scope. */
export const container = (options: ContainerOptions): Effect.Effect<Container, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { root } = yield* Effect.acquireRelease(
      Effect.promise(() => mountContainer(options.image)),
      ({ name }) => Effect.promise(() => removeContainer(name))
    )
    const file = join(yield* temporaryDirectory("container"), "output")
    const output = () => readFileSync(file, "utf8")
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => start(root, file, options)),
      (one) =>
        Effect.callback<void>((resume) => {
          if (one.exitCode !== null || one.signalCode !== null) return resume(Effect.void)
          one.once("exit", () => resume(Effect.void))
          // nsenter forks and waits: its child is the container.
          for (const { pid } of children(one.pid ?? 0)) process.kill(pid, "SIGKILL")
          one.kill("SIGKILL")
        })
    )
    const pid = yield* until(
      Effect.sync(() => (child.exitCode === null ? (children(child.pid ?? 0)[0]?.pid ?? 0) : -1)),
      (found) => found !== 0,
      { fact: "the container has a first process" }
    )
    if (pid === -1) return yield* Effect.die(new Error(`the container ended: ${output()}`))
    return { pid, output }
  })
