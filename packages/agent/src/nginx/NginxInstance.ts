/** Where one nginx lives: everything the agent has to know to drive it. */
import { Context } from "effect"

/** Paths as they stand in the text that nginx reads, and in what it writes. */
export interface SeenByNginx {
  readonly confDirectory: string
  readonly runtimeDirectory: string
}

export interface NginxInstanceSettings {
  /** Where the agent reads it; of a sidecar's nginx what `sidecarPidFile` makes. */
  readonly pidFile: string
  /** Holds the generations and the `current` link; absolute, where the agent reads and writes it. */
  readonly confDirectory: string
  /** Holds the proof socket; 0700. */
  readonly runtimeDirectory: string
  /** Run when no master runs. A running master's own binary is preferred. */
  readonly binary: string
  /** Set when the agent runs this nginx itself, in a prefix of its own; `null` for the system's. */
  readonly prefix: string | null
  /** nginx lives in a container of its own: its files are below /proc/PID/root, and its binary runs there. */
  readonly sidecar?: boolean
  /** Where nginx sees both directories, when volumes are mounted elsewhere for it. */
  readonly seenByNginx?: SeenByNginx
}

export class NginxInstance extends Context.Service<NginxInstance, NginxInstanceSettings>()(
  "@nxmesh/agent/nginx/NginxInstance"
) {}

/** For text that nginx reads, and paths that it names. */
export const asNginxSees = ({ confDirectory, runtimeDirectory, seenByNginx }: NginxInstanceSettings): SeenByNginx =>
  seenByNginx ?? { confDirectory, runtimeDirectory }

const processTable = "/proc"

/**
 * In place of the pid file of a sidecar's nginx: its master is looked for among the processes. A pid file on a shared volume tells
 * which, of several; its number is of nginx's own PID namespace.
 */
export const sidecarPidFile = (file: string | null): string =>
  file === null ? processTable : `${processTable}:${file}`

/** What `sidecarPidFile` made: the file, or `null` when there is none; `undefined` for an ordinary pid file. */
export const sidecarPidFileOf = (pidFile: string): string | null | undefined =>
  pidFile === processTable ? null : pidFile.startsWith(`${processTable}:`) ? pidFile.slice(6) : undefined
