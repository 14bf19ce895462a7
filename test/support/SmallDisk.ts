/** A file system of its own for one directory: ext4 in a file, mounted over a loop device, so that it can run full. Needs root. */
import { Effect, type Scope } from "effect"
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryDirectory } from "./Fleet.ts"
import { changeMachine, machine } from "./MachineMarks.ts"

export interface SmallDisk {
  readonly path: string
  /** From here on no byte can be written. */
  readonly fill: Effect.Effect<void>
  readonly free: Effect.Effect<void>
}

const ballast = (path: string): string => join(path, "ballast")

/** Left for what the programs on it write meanwhile, and for the file system's own notes. */
const leftBytes = 4 * 1_048_576

const fill = (path: string): void => {
  const { bavail, bsize } = statfsSync(path)
  const most = bavail * bsize - leftBytes
  if (most > 0) machine("fallocate", "--length", String(most), ballast(path))
  // Block by block, so that it ends exactly where nothing more fits.
  const rest = openSync(`${ballast(path)}-rest`, "a")
  try {
    for (;;) writeFileSync(rest, Buffer.alloc(bsize))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error
  } finally {
    closeSync(rest)
  }
}

/** The space is taken from the machine's own disk as it is used. */
export const smallDisk = (sizeMebibytes: number): Effect.Effect<SmallDisk, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* temporaryDirectory("d")
    const image = join(folder, "image")
    const path = join(folder, "disk")
    yield* changeMachine({ kind: "mount", path }, () => {
      mkdirSync(path)
      const file = openSync(image, "w")
      ftruncateSync(file, sizeMebibytes * 1_048_576)
      closeSync(file)
      // Nothing is reserved for root, so that full means full.
      machine("mkfs.ext4", "-q", "-m", "0", image)
      machine("mount", "-o", "loop", image, path)
    })
    return {
      path,
      fill: Effect.sync(() => fill(path)),
      free: Effect.sync(() => {
        for (const name of [ballast(path), `${ballast(path)}-rest`]) rmSync(name, { force: true })
      })
    }
  })
