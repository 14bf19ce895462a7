/**
 * The form of a scenario file: blocks of commands, each with the output it is to have. Texts before the first command of a
 * block that start with `#` say what the block shows.
 *
 * ```
 * # A follower that hears nothing campaigns.
 * tick m2 10
 * deliver
 * ----
 * m2 becomes candidate term=2
 * ```
 *
 * A block ends at the first empty line after its output.
 */

export interface Block {
  readonly comments: ReadonlyArray<string>
  readonly commands: ReadonlyArray<string>
  readonly expected: ReadonlyArray<string>
  /** The line of the first command, from 1. */
  readonly line: number
}

const separator = "----"

const readBlock = (lines: ReadonlyArray<string>, line: number): Block => {
  const at = lines.indexOf(separator)
  const before = at === -1 ? lines : lines.slice(0, at)
  const comments = before.filter((text) => text.startsWith("#"))
  return {
    comments,
    commands: before.filter((text) => !text.startsWith("#")),
    expected: at === -1 ? [] : lines.slice(at + 1),
    line: line + before.findIndex((text) => !text.startsWith("#"))
  }
}

/** Reads a file. A block of comments alone, as at the head of a file, has no commands and no separator. */
export const parseScenario = (text: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  let current: Array<string> = []
  let start = 1
  text.split("\n").forEach((raw, i) => {
    const line = raw.trimEnd()
    if (line !== "") {
      if (current.length === 0) start = i + 1
      current.push(line)
    } else if (current.length > 0) {
      blocks.push(readBlock(current, start))
      current = []
    }
  })
  if (current.length > 0) blocks.push(readBlock(current, start))
  return blocks
}

/** Writes a file, so that what was run can be reviewed as a difference. */
export const renderScenario = (blocks: ReadonlyArray<Block>): string =>
  `${blocks
    .map(({ comments, commands, expected }) =>
      [...comments, ...commands, ...(commands.length > 0 ? [separator, ...expected] : [])].join("\n")
    )
    .join("\n\n")}\n`
