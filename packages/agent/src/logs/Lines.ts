/** Cuts bytes into lines. Pure: what it has to remember between two pieces is in its state. */

export interface CutLines {
  readonly lines: ReadonlyArray<string>
  /** Bytes of the input that are dealt with: the rest is the beginning of a line. */
  readonly consumed: number
  /** The input ends within a line whose beginning was given away: the rest of that line is to be left out. */
  readonly skipping: boolean
  /** Lines that were longer than allowed; each was given away up to that length. */
  readonly tooLong: number
}

const lineFeed = 0x0a

/**
 * The whole lines of a piece of a file. Bytes that are no UTF-8 become U+FFFD.
 *
 * @param skipping as the piece before it ended
 */
export const cutLines = (bytes: Buffer, lineBytesMax: number, skipping: boolean): CutLines => {
  const lines: Array<string> = []
  let start = 0
  let tooLong = 0
  let skip = skipping
  while (start < bytes.length) {
    const end = bytes.indexOf(lineFeed, start)
    if (end === -1) break
    if (!skip) {
      if (end - start > lineBytesMax) tooLong += 1
      lines.push(bytes.toString("utf8", start, Math.min(end, start + lineBytesMax)))
    }
    skip = false
    start = end + 1
  }
  if (skip) return { lines, consumed: bytes.length, skipping: true, tooLong }
  if (bytes.length - start <= lineBytesMax) return { lines, consumed: start, skipping: false, tooLong }
  lines.push(bytes.toString("utf8", start, start + lineBytesMax))
  return { lines, consumed: bytes.length, skipping: true, tooLong: tooLong + 1 }
}
