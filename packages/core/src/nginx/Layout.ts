import type { AccessLogPlace } from "./AccessLog.ts"

/** Where a rendered tree will live, as the nginx that reads it sees it. A sidecar's agent may see other paths. */
export interface Layout {
  /** The directory of generations, e.g. `/etc/nginx/conf.d`. Absolute. */
  readonly confDirectory: string
  /** Directory (mode 0700) of the proof socket. Absolute, at most 100 bytes, so that the socket's path fits `sun_path`. */
  readonly runtimeDirectory: string
  /** The only directory that log directives may name; `null` allows none. */
  readonly logDirectory: string | null
  /** NxMesh wrote `nginx.conf`: hash sizes are set here, because nothing else sets them. */
  readonly ownsMainContext: boolean
  /** No other configuration has a `default_server` on the ports of the tree: a catch-all is rendered. */
  readonly ownsDefaultServer: boolean
  /** The log that the agent reads; absent or `null`: none is written. */
  readonly accessLog?: AccessLogPlace | null
}

/** The proof server's socket; nobody but the agent may connect to it. */
export const proofSocketPath = (layout: Pick<Layout, "runtimeDirectory">): string =>
  `${layout.runtimeDirectory.replace(/\/+$/, "")}/proof.sock`
