/** One report in a segment: `sequence kind millis json`, in a line that has a checksum of its own (LineJournal). Pure. */
import { frame, parse } from "@nxmesh/core/file/LineJournal"
import { isOutboxKind, type OutboxKind } from "@nxmesh/protocol/link/OutboxBatch"

export interface OutboxLine {
  readonly sequence: number
  readonly kind: OutboxKind
  /** When it was offered. */
  readonly atMillis: number
  /** JSON, which holds no line feed. */
  readonly report: string
}

export const encodeLine = ({ atMillis, kind, report, sequence }: OutboxLine): string =>
  frame(`${sequence} ${kind} ${atMillis} ${report}`)

const shape = /^([0-9]{1,16}) ([a-z]+) ([0-9]{1,16}) /

const decodeLine = (text: string): OutboxLine | null => {
  const [head = "", sequence, kind = "", atMillis] = shape.exec(text) ?? []
  if (!isOutboxKind(kind)) return null
  return { sequence: Number(sequence), kind, atMillis: Number(atMillis), report: text.slice(head.length) }
}

export interface SegmentContent {
  readonly lines: ReadonlyArray<OutboxLine>
  /** Lines whose checksum or shape was wrong, the torn tail aside: what they held is lost. */
  readonly damaged: number
}

/** Reads a segment: what a crash left of a last line is no line. What comes out of order was not written by an outbox. */
export const decodeSegment = (content: Uint8Array): SegmentContent => {
  const { damagedLines, lines } = parse(content)
  const decoded: Array<OutboxLine> = []
  for (const text of lines) {
    const line = decodeLine(text)
    if (line !== null && line.sequence > (decoded.at(-1)?.sequence ?? 0)) decoded.push(line)
  }
  return { lines: decoded, damaged: damagedLines + (lines.length - decoded.length) }
}
