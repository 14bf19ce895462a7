/**
 * Tells when something in a directory changes, by inotify(7). A watch may be lost: with its directory, by the kernel's limit, or
 * when its queue overflows. It is a hint, and the periodic look finds what it missed.
 */
import { Effect, type Scope } from "effect"
import { type FSWatcher, statSync, watch } from "node:fs"
import { Limits } from "../Limits.ts"

interface Watched {
  readonly watcher: FSWatcher
  /** Of the directory: another one by that name is another watch. */
  readonly inode: number | null
}

const inodeOf = (directory: string): number | null => {
  try {
    return statSync(directory).ino
  } catch {
    return null // not there: there is nothing to watch
  }
}

export interface ChangeSignals {
  /** Watches these directories and no others; asked again, it mends what was lost. Files in directories below are not theirs. */
  readonly watch: (directories: ReadonlySet<string>) => Effect.Effect<void>
}

/** Until the scope closes. `onChange` is called often, and must be quick. */
export const make = (onChange: () => void): Effect.Effect<ChangeSignals, never, Scope.Scope> =>
  Effect.gen(function* () {
    const watched = new Map<string, Watched>()
    const forget = (directory: string) => {
      watched.get(directory)?.watcher.close()
      watched.delete(directory)
    }
    const begin = (directory: string, inode: number | null) => {
      try {
        const watcher = watch(directory, { persistent: false }, onChange)
        // Another watch may stand there by now, which is not the one that failed.
        watcher.on("error", () => {
          if (watched.get(directory)?.watcher === watcher) forget(directory)
        })
        watched.set(directory, { watcher, inode })
      } catch {
        // No watch to be had: the periodic look is there.
      }
    }
    yield* Effect.addFinalizer(() => Effect.sync(() => [...watched.keys()].forEach(forget)))
    return {
      watch: (directories) =>
        Effect.sync(() => {
          for (const directory of [...watched.keys()]) {
            const inode = inodeOf(directory)
            const isSame = directories.has(directory) && inode !== null && inode === watched.get(directory)?.inode
            if (!isSame) forget(directory)
          }
          for (const directory of [...directories].slice(0, Limits.watchesMax)) {
            const inode = inodeOf(directory)
            if (inode !== null && !watched.has(directory)) begin(directory, inode)
          }
        })
    }
  })
