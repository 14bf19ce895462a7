/**
 * Runs an nginx that reads text nobody vouches for: as nobody, in namespaces of its own without a network, with the sandbox at
 * `/tmp`, nothing where secrets lie, no new privileges, and limits on time, memory and what it writes.
 *
 * Source: unshare(1), setpriv(1), namespaces(7), user_namespaces(7).
 */
import { Effect } from "effect"
import { geteuid } from "node:process"
import { Limits } from "../Limits.ts"
import * as BoundedCommand from "./BoundedCommand.ts"
import type { NginxError } from "./NginxError.ts"
import { sandboxRoot } from "./SandboxText.ts"

/** `nobody`: another user, made by root. `namespace`: the agent's own user without any of its rights, where it may make one. */
export type CageKind = "nobody" | "namespace"

export interface Caged {
  readonly executable: string
  readonly arguments: ReadonlyArray<string>
  /** What becomes its `/tmp`. */
  readonly directory: string
  /** Directories that are empty for it. */
  readonly hidden: ReadonlyArray<string>
}

/** With a /proc of its own: that of the others leads to their environment and their files. */
const namespaces = [
  ...["--mount", "--propagation", "private", "--net", "--ipc"],
  ...["--pid", "--fork", "--kill-child", "--mount-proc"]
]

/** The binary is opened before anything is hidden: it may be one that an upgrade removed, known only by /proc/PID/exe. */
const outside = 'exec 9<"$1" && shift && exec "$@"'

/** Arguments: the sandbox, how many directories to hide, these, and the command. */
const inside = [
  "set -e",
  `mount --bind "$1" ${sandboxRoot}`,
  "count=$2; shift 2",
  'while [ "$count" -gt 0 ]; do',
  '  if [ -d "$1" ]; then mount -t tmpfs -o size=64k,mode=700 tmpfs "$1"; fi',
  "  shift; count=$((count - 1))",
  "done",
  `ulimit -c 0; ulimit -t ${Limits.sandboxCpuSeconds}; ulimit -v ${Limits.sandboxMemoryKib}; ulimit -f ${Limits.sandboxFileBlocks}`,
  `cd ${sandboxRoot}`,
  'exec "$@"'
].join("\n")

const surrender: Readonly<Record<CageKind, ReadonlyArray<string>>> = {
  nobody: [
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--bounding-set=-all",
    "--inh-caps=-all",
    "--no-new-privs"
  ],
  namespace: ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
}

/** Sockets of other services, which no network namespace keeps away. */
const alwaysHidden = ["/run"]

/** A second shell, because only after an exec may it open its own descriptors again. */
const execute = 'exec /proc/self/fd/9 "$@"'

const commandLine = (
  kind: CageKind,
  { arguments: args, directory, executable, hidden }: Caged
): ReadonlyArray<string> => [
  ...["-c", outside, "sh", executable, "unshare"],
  ...(kind === "namespace" ? ["--user", "--map-root-user"] : []),
  ...namespaces,
  ...["sh", "-c", inside, "sh", directory, String(hidden.length + alwaysHidden.length), ...hidden, ...alwaysHidden],
  // The agent's environment may hold its enrolment token.
  ...[
    "env",
    "-i",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "setpriv",
    ...surrender[kind],
    "sh",
    "-c",
    execute,
    "sh",
    ...args
  ]
]

export const run = (kind: CageKind, caged: Caged): Effect.Effect<BoundedCommand.CommandResult, NginxError> =>
  BoundedCommand.run({ program: "sh", arguments: commandLine(kind, caged), timeout: Limits.sandboxTimeout })

/** Which cage can be made here: tried, because kernels and containers differ in what they allow. `null`: none. */
export const detect = (directory: string): Effect.Effect<CageKind | null> => {
  const kind: CageKind = geteuid?.() === 0 ? "nobody" : "namespace"
  return run(kind, { executable: "/bin/true", arguments: [], directory, hidden: [] }).pipe(
    Effect.map(({ exitCode }) => (exitCode === 0 ? kind : null)),
    Effect.orElseSucceed(() => null)
  )
}
