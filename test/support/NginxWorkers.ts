/** nginx's processes as /proc shows them, for judging a reload from outside: no word of the agent's is taken for it. */
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { until } from "./Wait.ts"

/** Worker processes of a master, with whether each still takes connections. */
export const workers = (master: number): ReadonlyArray<{ readonly pid: number; readonly exiting: boolean }> => {
  const children = readFileSync(`/proc/${master}/task/${master}/children`, "utf8").trim()
  if (children === "") return []
  return children.split(" ").flatMap((text) => {
    try {
      const title = readFileSync(`/proc/${text}/cmdline`, "utf8")
      return title.includes("worker process")
        ? [{ pid: Number(text), exiting: title.includes("is shutting down") }]
        : []
    } catch {
      // It ended between the two reads.
      return []
    }
  })
}

export const masterOf = (pidFile: string): number => Number(readFileSync(pidFile, "utf8").trim())

/** Waits until no worker of `before` takes connections any more, and another one does. */
export const replaced = (master: number, before: ReadonlySet<number>, timeoutMillis = 60_000) =>
  until(
    Effect.sync(() => workers(master)),
    (now) =>
      now.some(({ exiting, pid }) => !exiting && !before.has(pid)) &&
      now.every(({ exiting, pid }) => exiting || !before.has(pid)),
    { fact: "every worker from before the reload is exiting or gone", everyMillis: 1, timeoutMillis }
  )
