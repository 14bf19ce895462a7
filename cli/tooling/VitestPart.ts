import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { inCheckout, root } from "./Checkout.ts"
import type { PartResult } from "./Part.ts"
import { runNode } from "./Program.ts"
import type { Outcome } from "./Program.ts"

/** The fields read from vitest's JSON report. */
export interface VitestReport {
  readonly success: boolean
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: ReadonlyArray<{ readonly fullName: string; readonly status: string }>
  }>
}

/**
 * The counts of a report. A file that does not load has no tests and counts as one failure; so does a run that fails with no failed
 * test (an error outside any test, a timeout of the part).
 */
export const countReport = (
  report: VitestReport | undefined,
  outcome: Pick<Outcome, "exitCode" | "timedOut">
): Pick<PartResult, "passed" | "failed" | "skipped" | "failures"> => {
  const failures: Array<string> = []
  let passed = 0
  let skipped = 0
  for (const file of report?.testResults ?? []) {
    const path = relative(root, file.name)
    for (const test of file.assertionResults) {
      if (test.status === "passed") passed += 1
      else if (test.status === "failed") failures.push(`${path}: ${test.fullName}`)
      else skipped += 1
    }
    const ownFailure = file.assertionResults.some((test) => test.status === "failed")
    if (file.status === "failed" && !ownFailure) failures.push(`${path}: ${firstLine(file.message)}`)
  }
  if (outcome.timedOut) failures.push("stopped at the deadline of the whole run")
  else if (failures.length === 0 && (report === undefined || !report.success || outcome.exitCode !== 0)) {
    failures.push("vitest failed outside any test: see its output above")
  }
  return { passed, failed: failures.length, skipped, failures }
}

const firstLine = (message: string | undefined): string =>
  message?.split("\n")[0] || "the file failed outside its tests"

const readReport = async (path: string): Promise<VitestReport | undefined> => {
  try {
    return JSON.parse(await readFile(path, "utf8"))
  } catch {
    // No report: vitest died before it wrote one, which countReport reports.
    return undefined
  }
}

export interface VitestPart {
  readonly project: string
  readonly filters: ReadonlyArray<string>
  readonly budgetSeconds: number
  readonly timeoutMillis: number
  readonly env: Readonly<Record<string, string>>
}

/** Runs one project of vitest.config.ts, its output shown as it comes. */
export const runVitestPart = async (part: VitestPart): Promise<PartResult> => {
  const folder = await mkdtemp(join(tmpdir(), "nxmesh-report-"))
  const reportFile = join(folder, "report.json")
  try {
    const outcome = await runNode(
      [
        inCheckout("node_modules/vitest/vitest.mjs"),
        "run",
        "--project",
        part.project,
        "--passWithNoTests",
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${reportFile}`,
        ...part.filters
      ],
      { output: "inherit", timeoutMillis: part.timeoutMillis, env: part.env }
    )
    const counts = countReport(await readReport(reportFile), outcome)
    return { name: part.project, seconds: outcome.seconds, budgetSeconds: part.budgetSeconds, ...counts }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
