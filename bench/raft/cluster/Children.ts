/** The processes of a benchmark, so that none outlives it. */
import type { ChildProcess } from "node:child_process"

const children = new Set<ChildProcess>()

process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL")
})
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129]
] as const) {
  process.once(signal, () => process.exit(code))
}

export const watched = <Child extends ChildProcess>(child: Child): Child => {
  children.add(child)
  child.once("exit", () => children.delete(child))
  return child
}

/** Resolves when the process is gone. */
export const end = (child: ChildProcess, signal: NodeJS.Signals): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once("exit", () => resolve())
    child.kill(signal)
  })
