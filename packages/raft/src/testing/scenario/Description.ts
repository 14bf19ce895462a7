/** What scenarios print, in words: configurations, entries, messages, progress, records of a log file. */
import type { Message } from "../../core/Message.ts"
import type { Progress } from "../../core/Progress.ts"
import type { Configuration, Entry, NodeId } from "../../core/Types.ts"
import { decodeEnvelope } from "../../node/Envelope.ts"
import { RecordKind } from "../../storage/log/RecordFormat.ts"
import { scanSegment } from "../../storage/log/SegmentScan.ts"

const decoder = new TextDecoder()
const repeatedMin = 9

/** A long row of one character as `a*100`, which is also how a scenario writes it. */
const shortened = (text: string): string => {
  const [first = ""] = text
  return text.length >= repeatedMin && text === first.repeat(text.length) ? `${first}*${text.length}` : text
}

/** The bytes that a scenario means: `a*100` is a hundred times `a`. */
export const expanded = (text: string): string =>
  text.replace(/^(.)\*(\d+)$/, (_, character: string, count: string) => character.repeat(Number(count)))

export const describeConfiguration = ({ voters, outgoing, learners, learnersNext }: Configuration): string =>
  [
    `voters=${voters.join(",") || "none"}`,
    ...(outgoing.length > 0 ? [`outgoing=${outgoing.join(",")}`] : []),
    ...(learners.length > 0 ? [`learners=${learners.join(",")}`] : []),
    ...(learnersNext.length > 0 ? [`next=${learnersNext.join(",")}`] : [])
  ].join(" ")

/** A command of a session goes by its session and serial, as in `(2.1) a`. */
export const describeCommand = (data: Uint8Array): string => {
  const envelope = decodeEnvelope(data)
  if (envelope === null) return shortened(decoder.decode(data))
  if (envelope.kind === "OpenSession") return "(session)"
  return `(${envelope.session}.${envelope.serial}) ${shortened(decoder.decode(envelope.data))}`
}

export const describeEntry = (entry: Entry): string => {
  if (entry.kind === "Empty") return "(empty)"
  return entry.kind === "Command"
    ? describeCommand(entry.data)
    : `(members ${describeConfiguration(entry.configuration)})`
}

export const linkOf = ({ from, to }: Message): string => `${from}>${to}`

/** Everything of a message that fits on a line. */
export const describeMessage = (message: Message): string => {
  const fields = Object.entries(message).flatMap(([name, value]: [string, unknown]) => {
    if (name === "_tag" || name === "from" || name === "to") return []
    if (name === "entries") return [`entries=${(value as ReadonlyArray<unknown>).length}`]
    return typeof value === "object" && value !== null ? [] : [`${name}=${String(value)}`]
  })
  return `${linkOf(message)} ${message._tag} ${fields.join(" ")}`
}

export const describeProgress = (leader: NodeId, peer: NodeId, progress: Progress): string => {
  const { mode, match, next, inflights, transmission } = progress
  const window = inflights.length > 0 ? ` inflight=${inflights.length}` : ""
  const offset = mode === "Snapshot" && transmission !== null ? ` offset=${transmission.offset}` : ""
  return `${leader} sees ${peer}: ${mode} match=${match} next=${next}${window}${offset}`
}

const kindNames = new Map<number, string>(Object.entries(RecordKind).map(([name, kind]) => [kind, name]))

/** The records of a log file, each with its offset: `112 Command 2/1`. */
export const describeSegment = (name: string, segment: number, bytes: Uint8Array): string => {
  const { records, end, torn } = scanSegment(bytes, segment)
  const found = records.map(
    ({ offset, kind, index, term }) => `${offset} ${kindNames.get(kind) ?? "?"} ${index}/${term}`
  )
  return `${name}: ${[...found, torn ? `${end} unreadable` : `${end} end`].join(", ")}`
}
