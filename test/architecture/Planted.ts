import { assert } from "@effect/vitest"
import type { RepositoryFile } from "./rules/Repository.ts"

/** A file made up to break a rule: a rule that cannot fail protects nothing. */
export const planted = (path: string, ...lines: ReadonlyArray<string>): RepositoryFile => ({
  path,
  text: lines.join("\n")
})

/** Every finding is printed, each on its own line, with what to write instead. */
export const assertNone = (findings: ReadonlyArray<string>): void => {
  if (findings.length > 0) assert.fail(`\n${findings.join("\n")}`)
}
