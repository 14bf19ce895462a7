/** Percentiles and one-line tables, so that every benchmark prints alike. */

export const percentile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

export const p50 = (values: ReadonlyArray<number>): number => percentile(values, 0.5)

export const millis = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ms`

/** Columns padded to their widest cell; the first is left-aligned, the rest right-aligned. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join("  ")
    )
    .join("\n")
}
