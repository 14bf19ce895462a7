import { sweepMachine } from "../../test/support/MachineChanges.ts"
import { endLeftProcesses, leftProcesses } from "./LeftProcesses.ts"
import { singlePart } from "./Part.ts"
import type { PartResult } from "./Part.ts"
import { leftFiles, removeRunFolder } from "./RunFolder.ts"
import type { RunFolder } from "./RunFolder.ts"
import { addedLines, workTreeStatus } from "./WorkTree.ts"

export interface LeftoversOptions {
  readonly run: RunFolder
  readonly statusBefore: ReadonlyArray<string> | undefined
  /** Whether a changed checkout fails. Not where somebody may be editing during the run: then it is only said. */
  readonly changesFail: boolean
}

/** The last part of the suite: the run has left no process, no temporary file and no change of the checkout. Cleans up in any case. */
export const leftoversPart = async (options: LeftoversOptions): Promise<PartResult> => {
  const started = performance.now()
  const processes = await leftProcesses(options.run)
  endLeftProcesses(processes)
  // A part that was stopped leaves its mounts in the folder, which could not be removed with them.
  sweepMachine()
  const files = await leftFiles(options.run)
  await removeRunFolder(options.run)
  const changes = addedLines(options.statusBefore, await workTreeStatus())
  if (changes.length > 0 && !options.changesFail) {
    process.stdout.write(
      `\nChanged in the checkout during the run:\n${changes.map((line) => `  ${line}`).join("\n")}\n`
    )
  }
  return singlePart("nothing left behind", (performance.now() - started) / 1000, [
    ...processes.map((left) => `left a process: ${left.pid} ${left.command}`),
    ...files.map((path) => `left a file: ${path}`),
    ...(options.changesFail ? changes.map((line) => `changed the checkout: ${line}`) : [])
  ])
}
