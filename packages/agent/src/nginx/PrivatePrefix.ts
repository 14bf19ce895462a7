/** The files of an nginx that the agent runs itself: its own prefix, with the include lines that a system nginx is asked for. */
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { geteuid } from "node:process"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import { mimeTypes } from "./MimeTypes.ts"
import type { NginxInstanceSettings } from "./NginxInstance.ts"
import { includeLine } from "./Validation.ts"

export interface PrivateConfiguration {
  readonly prefix: string
  readonly pidFile: string
  readonly confDirectory: string
  /** Whose rights the workers take; `null` when nginx is not started as root, and keeps those it has. */
  readonly user: string | null
}

const temporaryPaths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]

export const configurationFile = (prefix: string): string => join(prefix, "nginx.conf")
export const logFile = (prefix: string): string => join(prefix, "logs", "error.log")

/** The text of nginx.conf. Paths are quoted, since a prefix may hold spaces. */
export const configurationText = ({ prefix, pidFile, confDirectory, user }: PrivateConfiguration): string =>
  [
    "# Written by the NxMesh agent each time it starts this nginx; changes made here are lost.",
    ...(user === null ? [] : [`user ${user};`]),
    "worker_processes auto;",
    "worker_rlimit_nofile 8192;",
    `pid "${pidFile}";`,
    `error_log "${logFile(prefix)}" notice;`,
    "",
    "events {",
    "    worker_connections 4096;",
    "}",
    "",
    "http {",
    `    include "${join(prefix, "mime.types")}";`,
    "    default_type application/octet-stream;",
    "    sendfile on;",
    "    server_tokens off;",
    `    access_log "${join(prefix, "logs", "access.log")}";`,
    ...temporaryPaths.map((name) => `    ${name}_temp_path "${join(prefix, "temp", name)}";`),
    "",
    `    ${includeLine(confDirectory)}`,
    "}",
    ""
  ].join("\n")

/** The first of the usual accounts that exists. As root without one, nginx falls back to the account of its build. */
const workerUser: Effect.Effect<string | null> = Effect.promise(async () => {
  if (geteuid?.() !== 0) return null
  const accounts = await readFile("/etc/passwd", "utf8").catch(() => "")
  return (
    ["www-data", "nginx"].find((name) => accounts.startsWith(`${name}:`) || accounts.includes(`\n${name}:`)) ?? null
  )
})

/** Makes the directories and writes nginx.conf; answers its path. */
export const prepare = Effect.fn("PrivatePrefix.prepare")(function* (
  instance: NginxInstanceSettings,
  prefix: string
): Effect.fn.Return<string, FileError> {
  for (const name of ["logs", "temp"]) yield* AtomicFile.makeDirectory(join(prefix, name), 0o755)
  yield* AtomicFile.makeDirectory(instance.confDirectory, 0o755)
  yield* AtomicFile.makeDirectory(instance.runtimeDirectory, 0o700)
  yield* AtomicFile.write(join(prefix, "mime.types"), mimeTypes, { mode: 0o644 })
  const path = configurationFile(prefix)
  const { pidFile, confDirectory } = instance
  const text = configurationText({ prefix, pidFile, confDirectory, user: yield* workerUser })
  yield* AtomicFile.write(path, text, { mode: 0o644 })
  return path
})
