/**
 * Reads what is appended to nginx's main error log after a point in time. A failed reload says why nowhere else.
 *
 * nginx makes its main log its standard error (`ngx_log_redirect_stderr`), so the file is found by /proc/MASTER/fd/2,
 * whatever nginx.conf calls it and wherever rotation moved it. A log that is not a file (a terminal, a pipe to journald)
 * cannot be read back: `isReadable` is false then, and the report says that the reason is not available.
 */
import { Effect, type Scope } from "effect"
import { type FileHandle, open } from "node:fs/promises"
import { Limits } from "../Limits.ts"
import { openFiles } from "./OpenFiles.ts"
import * as ProcessTable from "./ProcessTable.ts"

export interface ErrorLogWatch {
  readonly isReadable: boolean
  /** Everything appended since the watch began, bounded from the start. */
  readonly appended: Effect.Effect<string>
}

interface Opened {
  readonly handle: FileHandle
  readonly offset: number
}

const openAtEnd = (path: string): Effect.Effect<Opened | null, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const handle = await open(path, "r").catch(() => null)
      if (handle === null) return null
      const found = await handle.stat()
      if (found.isFile()) return { handle, offset: found.size }
      await handle.close()
      return null
    }),
    (opened) => Effect.promise(async () => opened?.handle.close())
  )

const readFrom = ({ handle, offset }: Opened): Effect.Effect<string> =>
  Effect.promise(async () => {
    const { size } = await handle.stat()
    const length = Math.min(Math.max(0, size - offset), Limits.errorLogBytesMax)
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, offset)
    return buffer.subarray(0, bytesRead).toString("utf8")
  })

/**
 * Under which names a master has its error log open. After a rotation standard error still is the renamed file, and the log is
 * open under the name that this one had: `error.log` beside `error.log.1`, also when that was removed since. Pure.
 */
export const namesOf = (standardError: string, open: Iterable<string>): ReadonlyArray<string> => [
  standardError,
  ...Array.from(open).filter((path) => standardError.startsWith(`${path}.`) || standardError.startsWith(`${path}-`))
]

/**
 * Begins to watch. A reload opens the log by its name again, so a file that has the name now but is not the open one
 * (it was rotated) is watched too.
 */
export const begin = Effect.fnUntraced(function* (
  master: ProcessTable.ProcessIdentity
): Effect.fn.Return<ErrorLogWatch, never, Scope.Scope> {
  const target = ProcessTable.link(master.pid, "fd/2")
  if (target === null || !target.startsWith("/") || target.startsWith("/dev/")) {
    return { isReadable: false, appended: Effect.succeed("") }
  }
  const names = namesOf(target, openFiles(master.pid))
  const paths = [`/proc/${master.pid}/fd/2`, ...names]
  const opened = (yield* Effect.forEach(paths, openAtEnd)).filter((log) => log !== null)
  const inodes = yield* Effect.forEach(opened, ({ handle }) => Effect.promise(() => handle.stat()))
  const distinct = opened.filter((_, index) => inodes.findIndex(({ ino }) => ino === inodes[index]?.ino) === index)
  return {
    isReadable: distinct.length > 0,
    appended: Effect.map(Effect.forEach(distinct, readFrom), (texts) => texts.join(""))
  }
})
