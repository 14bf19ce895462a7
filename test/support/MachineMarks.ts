/**
 * What a test changes on the machine beyond files and processes of its own: network namespaces, links, mounts. Each change is
 * written down before it is made, and undone with the scope; when the process is killed, its watcher undoes it at once, and when
 * that is killed too, the next run.
 */
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import type { Socket } from "node:net"
import { fileURLToPath } from "node:url"
import { identify } from "../../cli/playground/ProcessIdentity.ts"
import { type MachineChange, sweepMachine, undo, writeMarks } from "./MachineChanges.ts"

export { machine } from "./MachineChanges.ts"

/** Undoes what runs have left whose process is gone. */
export const sweep = Effect.sync(sweepMachine)

let isWatched = false

/** Lets a process sweep when this one has ended, however it ends: the pipe to it closes then. In a session of its own, for Ctrl-C. */
const watch = (): void => {
  if (isWatched) return
  isWatched = true
  const { NXMESH_TEST_RUN: _, ...env } = process.env
  const watcher = fileURLToPath(new URL("./MachineWatch.ts", import.meta.url))
  const owner = JSON.stringify(identify(process.pid))
  const child = spawn(process.execPath, [watcher, owner], { detached: true, env, stdio: ["pipe", "ignore", "inherit"] })
  // Neither the process nor its pipe keeps this one from ending.
  child.unref()
  ;(child.stdin as Socket).unref()
}

let made: ReadonlyArray<MachineChange> = []

const write = (changes: ReadonlyArray<MachineChange>): void => {
  made = changes
  writeMarks(changes)
}

/** Makes one change, and undoes it with the scope. */
export const changeMachine = (change: MachineChange, make: () => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      watch()
      write([...made, change])
      make()
    }),
    () =>
      Effect.sync(() => {
        undo(change)
        write(made.filter((other) => other !== change))
      })
  )

/** Names on this machine end at 15 characters; this one is the process's own. */
export const ownName = (suffix: string): string => `nx${process.pid.toString(36)}${suffix}`
