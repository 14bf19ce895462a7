/** What nginx complained of from a reload until it was settled: it belongs to the deployment's report. */
import { type ErrorLine, parseErrorLine } from "@nxmesh/core/nginx/ErrorLine"
import { Effect } from "effect"
import { Limits } from "../Limits.ts"
import type { ErrorLogWatch } from "./ErrorLogWatch.ts"

const complaining: ReadonlySet<string> = new Set(["warn", "error", "crit", "alert", "emerg"])

/** Without what differs from request to request: a backend that is down counts once, with its address. */
const essence = ({ level, message }: ErrorLine): string => {
  const [words = message] = message.split(", client: ", 1)
  const upstream = /, upstream: "([a-z]+:\/\/[^/"]+)/.exec(message)?.[1]
  return `nginx: [${level}] ${words}${upstream === undefined ? "" : ` (upstream ${upstream})`}`
}

/** Each complaint once, with how often it came; the first ones when there are very many. Pure. */
export const complaintsOf = (text: string): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  for (const one of text.split("\n")) {
    const line = parseErrorLine(one)
    if (line === null || !complaining.has(line.level)) continue
    const words = essence(line)
    counts.set(words, (counts.get(words) ?? 0) + 1)
  }
  return Array.from(counts, ([words, times]) => (times === 1 ? words : `${words}, ${times} times`)).slice(
    0,
    Limits.reloadComplaintsMax
  )
}

/** Empty also where the log cannot be read back: `doctor` says so. */
export const since = ({ appended }: ErrorLogWatch): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(appended, complaintsOf)
