/** The data of an entry's record. A configuration is JSON: rare, small, and readable when somebody must look. */
import type { Configuration, Entry } from "../../core/Types.ts"
import { RecordKind } from "./RecordFormat.ts"

const none = new Uint8Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const encodeConfiguration = (configuration: Configuration): Uint8Array =>
  encoder.encode(JSON.stringify(configuration))

/** Only for bytes whose checksum was right. */
export const decodeConfiguration = (bytes: Uint8Array): Configuration =>
  JSON.parse(decoder.decode(bytes)) as Configuration

export const entryData = (entry: Entry): Uint8Array => {
  switch (entry.kind) {
    case "Empty":
      return none
    case "Command":
      return entry.data
    case "Configuration":
      return encodeConfiguration(entry.configuration)
  }
}

/** An entry from its record. The data of a command is a copy: the bytes it is read from are reused. */
export const decodeEntry = (kind: number, index: number, term: number, data: Uint8Array): Entry | null => {
  switch (kind) {
    case RecordKind.Empty:
      return { kind: "Empty", term, index }
    case RecordKind.Command:
      return { kind: "Command", term, index, data: data.slice() }
    case RecordKind.Configuration:
      return { kind: "Configuration", term, index, configuration: decodeConfiguration(data) }
    default:
      return null
  }
}
