/** The commands of a runbook in docs/operating, as they stand there, run as real processes. */
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { program } from "../support/Program.ts"
import { until } from "../support/Wait.ts"

const command = /^(?:sudo -u nxmesh )?nxmesh (.+)$/

/** The words after `nxmesh` of each command line below the heading, in order, up to the next heading. */
export const commandsUnder = (document: string, heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const text = readFileSync(new URL(`../../docs/operating/${document}`, import.meta.url), "utf8")
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`${document} has no section ${heading}`)
  return [...section.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .flatMap((line) => {
      const words = command.exec(line.trim())?.[1]?.split(" ")
      return words === undefined ? [] : [words]
    })
}

export interface Operator {
  /** What stands in the runbook, and what it is here. */
  readonly names: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
}

/** Runs `nxmesh` with the words, and dies unless it ends with 0. Answers what it printed. */
export const run = (
  { environment, names }: Operator,
  words: ReadonlyArray<string>,
  more: ReadonlyArray<string> = []
): Effect.Effect<string> =>
  Effect.scoped(
    Effect.gen(function* () {
      const running = yield* program({
        path: "packages/master/src/cli/main.ts",
        arguments: [...words.map((word) => names[word] ?? word), ...more],
        environment
      })
      const code = yield* until(Effect.sync(running.ended), (ended) => ended !== null, {
        fact: `nxmesh ${words.join(" ")} ends`,
        timeoutMillis: 60_000
      })
      if (code !== 0) return yield* Effect.die(new Error(`nxmesh ${words.join(" ")} (${code}): ${running.output()}`))
      return running.output()
    })
  )
