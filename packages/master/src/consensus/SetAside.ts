/**
 * Moves a log and a state that are not to be trusted out of the way, where an operator may look at them. One such directory is
 * kept. Every step is one rename, durable before the next, and is not done a second time.
 */
import { access, readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { makeDirectory } from "@nxmesh/core/file/AtomicFile"
import { syncPath } from "@nxmesh/core/file/Durable"
import { FileError } from "@nxmesh/core/file/FileError"
import { Effect } from "effect"
import { isAside } from "./RejoinDecision.ts"

/** The mark last: while it is in its place, and no word of a rejoin, the rest is not to be trusted. */
const moved = ["raft", "state", "diverged.json"] as const

const attempt = <A>(operation: string, path: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

export const fileExists = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    access(path).then(
      () => true,
      () => false
    )
  )

export const namesIn = (directory: string): Effect.Effect<ReadonlyArray<string>, FileError> =>
  attempt("list", directory, () => readdir(directory))

export const setAside = Effect.fn("SetAside")(function* (
  directory: string,
  aside: string
): Effect.fn.Return<void, FileError> {
  const target = join(directory, aside)
  yield* makeDirectory(target)
  yield* syncPath(directory)
  for (const name of moved) {
    const [from, to] = [join(directory, name), join(target, name)]
    // What is there again was made by a start that was cut short, and is empty.
    if (!(yield* fileExists(from)) || (yield* fileExists(to))) continue
    yield* attempt("move", from, () => rename(from, to))
    yield* syncPath(target)
    yield* syncPath(directory)
  }
  for (const name of yield* namesIn(directory)) {
    if (!isAside(name) || name === aside) continue
    yield* attempt("remove", join(directory, name), () => rm(join(directory, name), { recursive: true, force: true }))
  }
})
