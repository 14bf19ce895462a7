import { runProgram } from "./Program.ts"

/** What git sees as changed or new, one line each; undefined outside a git checkout. */
export const workTreeStatus = async (): Promise<ReadonlyArray<string> | undefined> => {
  const outcome = await runProgram({
    command: "git",
    args: ["status", "--porcelain", "--untracked-files=all"],
    output: "capture"
  })
  return outcome.exitCode === 0 ? outcome.output.split("\n").filter((line) => line !== "") : undefined
}

/** The lines that a run added. */
export const addedLines = (
  before: ReadonlyArray<string> | undefined,
  after: ReadonlyArray<string> | undefined
): ReadonlyArray<string> =>
  before === undefined || after === undefined ? [] : after.filter((line) => !before.includes(line))
