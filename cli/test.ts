// `npm test`: everything, or the part named (`npm test -- unit`, `npm test -- packages/core/test/nginx`).
// The last line of stdout is exactly "N passed, N failed, N skipped".

import { budgetSeconds, wholeRunMillis } from "../test/support/Budget.ts"
import { requiredPrograms } from "../test/support/Packages.ts"
import { runCheckParts } from "./tooling/CheckParts.ts"
import { ensurePrograms, searchPath } from "./tooling/DebianPackages.ts"
import { leftoversPart } from "./tooling/Leftovers.ts"
import { singlePart, succeeded, summaryLine, table } from "./tooling/Part.ts"
import type { PartResult } from "./tooling/Part.ts"
import { stopRunning } from "./tooling/Program.ts"
import { makeRunFolder } from "./tooling/RunFolder.ts"
import type { RunFolder } from "./tooling/RunFolder.ts"
import { select } from "./tooling/Selection.ts"
import type { Selection } from "./tooling/Selection.ts"
import { runVitestPart } from "./tooling/VitestPart.ts"
import { workTreeStatus } from "./tooling/WorkTree.ts"

const inCi = process.env["CI"] === "true"
let interrupted = false

const runParts = async (selection: Selection, run: RunFolder): Promise<ReadonlyArray<PartResult>> => {
  const deadline = performance.now() + wholeRunMillis
  const parts: Array<PartResult> = selection.checks ? [...(await runCheckParts())] : []
  for (const project of selection.projects) {
    if (interrupted) break
    const timeoutMillis = deadline - performance.now()
    if (timeoutMillis <= 0) {
      parts.push(singlePart(project, 0, [`${project} was not run: the whole run took longer than it may`]))
      continue
    }
    process.stdout.write(`\n${project}\n`)
    const env = { ...run.env, PATH: searchPath() }
    parts.push(
      await runVitestPart({
        project,
        filters: selection.filters,
        budgetSeconds: budgetSeconds[project],
        timeoutMillis,
        env
      })
    )
  }
  return parts
}

const report = (parts: ReadonlyArray<PartResult>): void => {
  process.stdout.write(`\n${table(parts)}\n`)
  const failures = parts.flatMap((part) => part.failures.map((failure) => `  ${part.name}: ${failure}`))
  if (failures.length > 0) process.stdout.write(`\nFailed:\n${failures.join("\n")}\n`)
  if (interrupted) process.stdout.write("\nInterrupted: not everything was run.\n")
  process.stdout.write(`\n${summaryLine(parts)}\n`)
}

const main = async (): Promise<number> => {
  const missing = await ensurePrograms(requiredPrograms)
  if (missing !== undefined) {
    process.stderr.write(`${missing}\n`)
    return 1
  }
  const statusBefore = await workTreeStatus()
  const run = await makeRunFolder()
  const parts = [...(await runParts(select(process.argv.slice(2)), run))]
  parts.push(await leftoversPart({ run, statusBefore, changesFail: inCi }))
  report(parts)
  if (interrupted) return 130
  return succeeded(parts, inCi) ? 0 : 1
}

const interrupt = (): void => {
  interrupted = true
  stopRunning()
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt)
process.on("disconnect", interrupt)
process.channel?.unref()

process.exitCode = await main()
