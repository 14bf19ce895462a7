/**
 * What a run has changed on the machine beyond files and processes of its own, as it wrote it down beside its process id, and how
 * that is undone once the process is gone. Without Effect: the watcher of a run (MachineWatch.ts) starts quickly.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { identify, isAlive } from "../../cli/playground/ProcessIdentity.ts"
import type { ProcessIdentity } from "../../cli/playground/ProcessIdentity.ts"

export type MachineChange =
  | { readonly kind: "namespace"; readonly name: string }
  | { readonly kind: "link"; readonly name: string }
  | { readonly kind: "mount"; readonly path: string }

interface Marks {
  readonly owner: ProcessIdentity
  readonly changes: ReadonlyArray<MachineChange>
}

const folder = "/run/nxmesh-test"

/** Runs a program of the machine to its end and answers what it printed; throws with its words when it fails. */
export const machine = (program: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(program, [...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

/** For what may be gone already. */
const attempt = (program: string, ...args: ReadonlyArray<string>): string => {
  try {
    return machine(program, ...args)
  } catch {
    return ""
  }
}

/** Processes in a namespace, or with files on a mount, are what a killed run has left: they would hold it. */
export const undo = (change: MachineChange): void => {
  switch (change.kind) {
    case "namespace":
      for (const pid of attempt("ip", "netns", "pids", change.name).split("\n")) {
        if (/^\d+$/.test(pid) && Number(pid) !== process.pid) attempt("kill", "-KILL", pid)
      }
      attempt("ip", "netns", "delete", change.name)
      return
    case "link":
      attempt("ip", "link", "delete", change.name)
      return
    case "mount":
      // Lazily: what still has a file open there may end a moment later.
      attempt("umount", "--lazy", change.path)
  }
}

/** Writes down what this process has changed, all of it. */
export const writeMarks = (changes: ReadonlyArray<MachineChange>): void => {
  const owner = identify(process.pid)
  if (owner === undefined) throw new Error("this process cannot see itself in /proc")
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${process.pid}.json`)
  if (changes.length === 0) rmSync(file, { force: true })
  else writeFileSync(file, JSON.stringify({ owner, changes } satisfies Marks))
}

/** Undoes what runs have left whose process is gone. Only root has anything to undo. */
export const sweepMachine = (): void => {
  if (process.getuid?.() !== 0 || !existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const file = join(folder, name)
    let marks: Marks
    try {
      marks = JSON.parse(readFileSync(file, "utf8"))
    } catch {
      // Its owner removed it, or died while writing: then nothing in it was made yet.
      rmSync(file, { force: true })
      continue
    }
    if (isAlive(marks.owner)) continue
    for (const change of marks.changes.toReversed()) undo(change)
    rmSync(file, { force: true })
  }
}
