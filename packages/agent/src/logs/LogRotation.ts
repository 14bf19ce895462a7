/**
 * Rotates the logs that nobody else does, so that they cannot fill the disk: renamed one by one, then nginx is told to open
 * them anew (USR1). Between the two nginx writes to the renamed file, which the reader follows.
 *
 * Source: nginx documentation, "Controlling nginx", "Rotating log-files".
 */
import { Effect } from "effect"
import { rename, rm, stat } from "node:fs/promises"
import { Limits } from "../Limits.ts"
import type { NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import { openFiles } from "../nginx/OpenFiles.ts"

export interface LogSeen {
  readonly path: string
  /** `null`: there is none. */
  readonly bytes: number | null
  /** A rotated file is there: without the log itself, nginx was not told after a rotation that a crash cut off. */
  readonly hasRotated: boolean
}

/** What a look at the logs asks for. Pure. */
export const due = (
  logs: ReadonlyArray<LogSeen>
): { readonly rotate: ReadonlyArray<string>; readonly reopen: boolean } => {
  const rotate = logs.filter(({ bytes }) => bytes !== null && bytes > Limits.ownLogBytesMax).map(({ path }) => path)
  return { rotate, reopen: rotate.length > 0 || logs.some(({ bytes, hasRotated }) => bytes === null && hasRotated) }
}

const sizeOf = (path: string): Promise<number | null> =>
  stat(path).then(
    (found) => (found.isFile() ? found.size : null),
    () => null
  )

const look = (path: string): Effect.Effect<LogSeen> =>
  Effect.promise(async () => ({
    path,
    bytes: await sizeOf(path),
    hasRotated: (await sizeOf(`${path}.1`)) !== null
  }))

/** `log.1` is the newest; what would come after the last goes. */
const shift = async (path: string): Promise<void> => {
  if ((await sizeOf(path)) === null) return // rotated a moment ago, and nginx has not made it anew
  await rm(`${path}.${Limits.ownLogsKeptMax}`, { force: true })
  for (let number = Limits.ownLogsKeptMax - 1; number >= 1; number--) {
    await rename(`${path}.${number}`, `${path}.${number + 1}`).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause
    })
  }
  await rename(path, rotatedName(path))
}

const rotate = (path: string) =>
  Effect.tryPromise({
    try: () => shift(path),
    catch: (cause) => (cause instanceof Error ? cause.message : String(cause))
  }).pipe(
    Effect.catch((problem) =>
      Effect.logWarning(`${path} cannot be rotated and will grow: ${problem}; give the agent the right to write there`)
    )
  )

const rotatedName = (path: string) => `${path}.1`

/** A log under the names that it has after rotations. */
const isRotated = (open: string, path: string): boolean =>
  open.startsWith(`${path}.`) && /^\d+( \(deleted\))?$/.test(open.slice(path.length + 1))

/** True when no worker that takes requests writes to a file that was rotated. */
const areReopened = (master: NginxProcess.NginxMaster, paths: ReadonlyArray<string>): boolean =>
  NginxProcess.activeWorkers(master).every(
    ({ pid }) => ![...openFiles(pid)].some((open) => paths.some((path) => isRotated(open, path)))
  )

/** False when it took too long. */
const awaitReopened = (master: NginxProcess.NginxMaster, paths: ReadonlyArray<string>): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    while (!areReopened(master, paths)) yield* Effect.sleep(Limits.reopenPollInterval)
    return true
  }).pipe(Effect.timeoutOrElse({ duration: Limits.reopenTimeout, orElse: () => Effect.succeed(false) }))

/**
 * Sees to it that nginx has opened its logs anew. Workers open them by their own rights, and go on with the renamed file where
 * they may not: those that a reload starts inherit what the master has opened.
 */
const ensureReopened = Effect.fnUntraced(function* (master: NginxProcess.NginxMaster, paths: ReadonlyArray<string>) {
  if (yield* awaitReopened(master, paths)) return
  yield* Effect.logInfo("nginx's workers may not open their logs anew: a reload does it", { paths })
  yield* NginxProcess.signal(master, "SIGHUP")
  yield* awaitReopened(master, paths)
})

type Exclusive = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Rotates these logs now. Without a running nginx nothing grows, and nobody would open the files anew. */
export const rotateNow = Effect.fn("LogRotation.rotateNow")(function* (
  { pidFile }: NginxInstanceSettings,
  paths: ReadonlyArray<string>,
  exclusive: Exclusive
): Effect.fn.Return<void> {
  const rotation = Effect.gen(function* () {
    const master = yield* Effect.result(NginxProcess.find(pidFile))
    if (master._tag === "Failure") return
    yield* Effect.uninterruptible(
      Effect.andThen(Effect.forEach(paths, rotate, { discard: true }), NginxProcess.signal(master.success, "SIGUSR1"))
    )
    yield* ensureReopened(master.success, paths)
  })
  yield* exclusive(rotation).pipe(
    Effect.catch((error) => Effect.logWarning(`nginx cannot be told to open its logs anew: ${error.message}`))
  )
})

/**
 * Rotates what is due.
 *
 * @param exclusive nobody reloads or starts nginx meanwhile
 */
export const check = Effect.fn("LogRotation.check")(function* (
  instance: NginxInstanceSettings,
  paths: ReadonlyArray<string>,
  exclusive: Exclusive
): Effect.fn.Return<void> {
  const asked = due(yield* Effect.forEach(paths, look))
  if (asked.reopen) yield* rotateNow(instance, asked.rotate, exclusive)
})
