/**
 * Two containers as namespaces make them: nginx in a mount and PID namespace of its own, with its own /etc/nginx, /run and /var/log,
 * and an agent that shares the PID namespace and a volume, and sees neither nginx's files nor a binary of nginx.
 */
import { Effect, type Scope } from "effect"
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process"
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import * as ProcessTable from "@nxmesh/agent/nginx/ProcessTable"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import { sidecarPidFile } from "@nxmesh/agent/nginx/NginxInstance"
import { script } from "../../support/Scripts.ts"
import { until } from "../agent/Instance.ts"
import type { Report } from "./agentInPod.ts"

/** Docker's default set (moby, profiles/seccomp and oci/caps/defaults.go). */
const dockerCapabilities =
  "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,setfcap"

export interface Rights {
  readonly uid: number
  /** A comma-separated list of capabilities; empty for none. */
  readonly capabilities: string
}
export const dockerRights: Rights = { uid: 0, capabilities: dockerCapabilities }
export const restrictedRights = (uid: number): Rights => ({ uid, capabilities: "" })

/** A command line that gives up every right but these, and replaces itself by what follows. */
export const withRights = ({ capabilities, uid }: Rights): string => {
  const set = ["-all", ...capabilities.split(",").flatMap((name) => (name === "" ? [] : [`+${name}`]))].join(",")
  return `setpriv --reuid=${uid} --regid=${uid} --clear-groups --bounding-set=${set} --inh-caps=-all --no-new-privs`
}

export interface Pod {
  readonly root: string
  readonly instance: NginxInstanceSettings
  /** The process that everything in the pod runs under, as this process sees it. */
  readonly init: number
  /** Runs the agent in its own container, to its end. */
  readonly agent: (options: AgentOptions) => Effect.Effect<Report>
}

export interface AgentOptions {
  readonly rights: Rights
  readonly port: number
  /** Also kills nginx once, and deploys to the one that its runtime starts. */
  readonly restart?: boolean
  readonly pidFile?: string
}

export interface PodOptions {
  readonly rights: Rights
  /** `nginx`: nginx is process 1, as in Docker. `runtime`: a process above it starts it again, as in Kubernetes. */
  readonly init: "nginx" | "runtime"
  /** How many nginx run in the pod, each with a pid file of its own on the volume. */
  readonly nginxes?: number
}

const configuration = (
  pod: string,
  uid: number,
  index: number
) => `${uid === 0 ? "user www-data;\n" : ""}worker_processes 1;
pid /run/volume/nginx-${index}.pid;
error_log /var/log/nginx/error.log notice;
events { worker_connections 64; }
http {
    # As the logs of the official image: links to its output.
    access_log /dev/stdout;
    ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${pod}/temp/${name};`).join(" ")}
    ${index === 0 ? "include /etc/nginx/conf.d/current/*.conf;" : ""}
}
`

/** Directories of the volume, and of nginx's own files, which the user of the pod owns. */
const makeFiles = ({ rights, nginxes = 1 }: PodOptions): string => {
  const pod = mkdtempSync(join(tmpdir(), "pod-"))
  chmodSync(pod, 0o755)
  for (const name of ["etc", "conf", "run", "log", "temp", "data", "empty"]) {
    mkdirSync(join(pod, name), { mode: name === "run" ? 0o700 : 0o755 })
    chownSync(join(pod, name), rights.uid, rights.uid)
  }
  for (let index = 0; index < nginxes; index++) {
    writeFileSync(join(pod, "etc", `nginx-${index}.conf`), configuration(pod, rights.uid, index))
  }
  return pod
}

/** What nginx's container sees: the pod's files in the usual places. */
const mounts = (pod: string): ReadonlyArray<string> => [
  "mount -t proc proc /proc",
  `mount --bind ${pod}/etc /etc/nginx`,
  `mkdir -p ${pod}/etc/conf.d && mount --bind ${pod}/conf /etc/nginx/conf.d`,
  `mount --bind ${pod}/log /var/log/nginx`,
  "mount -t tmpfs tmpfs /run && mkdir /run/volume",
  `mount --bind ${pod}/run /run/volume`
]

const nginxCommand = (rights: Rights, index: number): string =>
  `${withRights(rights)} /usr/sbin/nginx -c /etc/nginx/nginx-${index}.conf -g 'daemon off;'`

const nginxScript = (pod: string, { init, nginxes = 1, rights }: PodOptions): string => {
  const others = Array.from({ length: nginxes - 1 }, (_, index) => `${nginxCommand(rights, index + 1)} &`)
  const first = nginxCommand(rights, 0)
  const main = init === "nginx" ? `exec ${first}` : `while :; do ${first}; sleep 0.1; done`
  return [["set -e", ...mounts(pod), "set +e"].join("\n"), ...others, main].join("\n")
}

/** What the agent's container sees: nothing of nginx but the volume. */
const agentScript = (pod: string, rights: Rights): string =>
  [
    "set -e",
    "mount -t proc proc /proc",
    `mount --bind ${pod}/empty /etc/nginx`,
    "mount --bind /dev/null /usr/sbin/nginx",
    "mount -t tmpfs tmpfs /run",
    `exec ${withRights(rights)} "$@"`
  ].join("\n")

/** The process 1 of the pod, which `unshare` has forked. */
const initOf = (unshare: ChildProcess) =>
  Effect.gen(function* () {
    const found = () => ProcessTable.children(unshare.pid ?? 0)[0]?.pid
    yield* until(Effect.sync(() => found() !== undefined))
    return found() ?? 0
  })

export const pod = (options: PodOptions): Effect.Effect<Pod, never, Scope.Scope> =>
  Effect.gen(function* () {
    const root = yield* Effect.acquireRelease(
      Effect.sync(() => makeFiles(options)),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    // A file, because what Node makes for a child's output is a socket, which nobody can open as /dev/stdout.
    const words = join(root, "words")
    const unshare = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const output = openSync(words, "a")
        chownSync(words, options.rights.uid, options.rights.uid)
        const namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=SIGKILL"]
        const child = spawn("unshare", [...namespaces, "sh", "-c", nginxScript(root, options)], {
          stdio: ["ignore", output, output]
        })
        closeSync(output)
        return child
      }),
      // The end of process 1 is the end of every process in its namespace, and of its mounts.
      (child) =>
        Effect.callback<void>((resume) => {
          if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
          child.once("exit", () => resume(Effect.void))
          child.kill("SIGKILL")
        })
    )
    const init = yield* initOf(unshare)
    const pids = Array.from({ length: options.nginxes ?? 1 }, (_, index) => join(root, "run", `nginx-${index}.pid`))
    yield* until(Effect.sync(() => pids.every(isWritten))).pipe(
      Effect.catchCause(() =>
        Effect.die(new Error(`nginx does not start in its container: ${readFileSync(words, "utf8")}`))
      )
    )
    const instance: NginxInstanceSettings = {
      pidFile: sidecarPidFile(null),
      confDirectory: join(root, "conf"),
      runtimeDirectory: join(root, "run"),
      binary: "nginx",
      prefix: null,
      sidecar: true,
      seenByNginx: { confDirectory: "/etc/nginx/conf.d", runtimeDirectory: "/run/volume" }
    }
    return { root, instance, init, agent: (wanted) => runAgent(root, instance, init, wanted) }
  })

const isWritten = (pidFile: string): boolean => {
  try {
    return /^\d+\n$/.test(readFileSync(pidFile, "utf8"))
  } catch {
    return false
  }
}

const runAgent = (root: string, instance: NginxInstanceSettings, init: number, options: AgentOptions) =>
  Effect.promise(async (): Promise<Report> => {
    const wanted = { ...instance, pidFile: sidecarPidFile(options.pidFile ?? null) }
    const { stdout } = await promisify(execFile)(
      "nsenter",
      [
        ...["--target", String(init), "--pid", "--", "unshare", "--mount", "--propagation", "private"],
        ...["sh", "-c", agentScript(root, options.rights), "sh", process.execPath, await script("agentInPod")],
        JSON.stringify({ instance: wanted, port: options.port, restart: options.restart ?? false })
      ],
      { env: { PATH: process.env.PATH, TMPDIR: root } }
    )
    return JSON.parse(stdout) as Report
  })

/** Whether this process may make such containers: as root on Linux. If not, says why. */
export const canMakePods = (): boolean => {
  try {
    execFileSync("unshare", ["--mount", "--pid", "--fork", "setpriv", "--bounding-set=-all", "true"], {
      stdio: "ignore"
    })
    return true
  } catch (cause) {
    process.stderr.write(`no containers of namespaces here, which need root on Linux, unshare and setpriv: ${cause}\n`)
    return false
  }
}
