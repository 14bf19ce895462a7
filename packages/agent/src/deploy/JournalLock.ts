/**
 * One process per journal: the agent, or `nxmesh-agent recover`. The lock names its holder by pid and start time, so that one
 * left by a crash, or by a machine that lost its power, holds nobody up.
 */
import { Data, Effect, type Scope } from "effect"
import { link, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { pid } from "node:process"
import { errorCode, FileError } from "@nxmesh/core/file/FileError"
import * as ProcessTable from "../nginx/ProcessTable.ts"

export class JournalInUse extends Data.TaggedError("JournalInUse")<{ readonly message: string }> {}

/** The process that a lock file's text names, while it lives. */
const holderOf = (text: string): ProcessTable.ProcessIdentity | null => {
  const [holder, startTicks] = text.trim().split(" ")
  if (holder === undefined || startTicks === undefined) return null
  const identity = { pid: Number(holder), startTicks }
  return ProcessTable.isAlive(identity) ? identity : null
}

const own = (): string => `${pid} ${ProcessTable.identify(pid)?.startTicks ?? ""}`

/** Puts the lock there whole, or finds that there is one: a link fails when its name exists. */
const place = async (path: string): Promise<boolean> => {
  const mine = `${path}.${pid}`
  await writeFile(mine, own(), { mode: 0o600 })
  try {
    await link(mine, path)
    return true
  } catch (cause) {
    if (errorCode(cause) === "EEXIST") return false
    throw cause
  } finally {
    await rm(mine, { force: true })
  }
}

const take = async (path: string): Promise<ProcessTable.ProcessIdentity | null> => {
  while (!(await place(path))) {
    const holder = holderOf(await readFile(path, "utf8").catch(() => ""))
    if (holder !== null) return holder
    await rm(path, { force: true })
  }
  return null
}

/** Holds the lock until the scope closes. */
export const acquire = Effect.fnUntraced(function* (
  dataDirectory: string
): Effect.fn.Return<void, FileError | JournalInUse, Scope.Scope> {
  const path = join(dataDirectory, "deployments.lock")
  const holder = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => take(path),
      catch: (cause) => new FileError({ operation: "lock", path, cause })
    }),
    (taken) => (taken === null ? Effect.promise(() => rm(path, { force: true })) : Effect.void)
  )
  if (holder === null) return
  return yield* new JournalInUse({
    message: `process ${holder.pid} works with ${dataDirectory}; stop it, or set NXMESH_DATA_DIR to a directory of its own`
  })
})
