/** One part of the suite, as its table and its last line report it. */
export interface PartResult {
  readonly name: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
  readonly budgetSeconds?: number
  /** One line each: what failed, and what to do. */
  readonly failures: ReadonlyArray<string>
}

/** A part that is a single yes or no. */
export const singlePart = (
  name: string,
  seconds: number,
  failures: ReadonlyArray<string>,
  budgetSeconds?: number
): PartResult => ({
  name,
  passed: failures.length === 0 ? 1 : 0,
  failed: failures.length === 0 ? 0 : 1,
  skipped: 0,
  seconds,
  failures,
  ...(budgetSeconds === undefined ? {} : { budgetSeconds })
})

const sum = (parts: ReadonlyArray<PartResult>, key: "passed" | "failed" | "skipped"): number =>
  parts.reduce((total, part) => total + part[key], 0)

/** The last line of `npm test`, which scripts read. */
export const summaryLine = (parts: ReadonlyArray<PartResult>): string =>
  `${sum(parts, "passed")} passed, ${sum(parts, "failed")} failed, ${sum(parts, "skipped")} skipped`

/** A skipped test is a failure where nobody looks at the output. */
export const succeeded = (parts: ReadonlyArray<PartResult>, skipsFail: boolean): boolean =>
  sum(parts, "failed") === 0 && !(skipsFail && sum(parts, "skipped") > 0)

const columns = ["part", "tests", "seconds", "budget seconds"] as const

/** The table of `npm test`: what each part took beside what it may take. */
export const table = (parts: ReadonlyArray<PartResult>): string => {
  const rows = parts.map((part) => [
    part.name,
    String(part.passed + part.failed + part.skipped),
    part.seconds.toFixed(1),
    part.budgetSeconds === undefined ? "" : `${part.budgetSeconds}${part.seconds > part.budgetSeconds ? " (over)" : ""}`
  ])
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>): string =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join("  ")
  return [line(columns), ...rows.map(line)].join("\n")
}
