/** Text in columns that line up, for a terminal and for a file. Pure. */

/** How many cells of a terminal the text takes: wide characters count twice, marks that combine not at all. */
const width = (text: string): number => {
  let cells = 0
  for (const character of text) {
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) continue
    cells +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u.test(
        character
      )
        ? 2
        : 1
  }
  return cells
}

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const controlCharacters = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** What a master answers cannot move the cursor or paint over what stands there. */
export const printable = (text: string): string => text.replace(controlCharacters, "?")

/** A header and rows, without a space at the end of a line. */
export const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const lines = [header, ...rows].map((row) => row.map(printable))
  const widths = header.map((_, column) => Math.max(...lines.map((row) => width(row[column] ?? ""))))
  return lines
    .map((row) =>
      row
        .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell)))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const

/** As in `1.5 GiB`. */
export const bytesText = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1_024 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}
