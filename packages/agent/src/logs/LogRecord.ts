/** What a line of an access log says, whatever its format. Pure. */
import type { AccessLogEntry } from "@nxmesh/protocol/model/AccessLog"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"

export interface AccessRecord {
  /** When the request ended; milliseconds since the epoch. */
  readonly atMillis: number
  readonly entry: AccessLogEntry
  /** First name of the server that answered, and its port: which host that is, the bundle knows. Empty where unknown. */
  readonly serverName: string
  readonly serverPort: string
}

/** Cut without halving a character. */
export const cut = (text: string, charactersMax: number): string =>
  text.length <= charactersMax ? text : text.slice(0, charactersMax).toWellFormed()

/** A text that a client filled; `null` where there was none. */
export const field = (text: string): string | null =>
  text === "" || text === "-" ? null : cut(text, WireLimits.logFieldCharactersMax)

/** A count as a log writes it; 0 for `-` and for what is none. */
export const count = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : 0)

/**
 * Seconds with milliseconds, as nginx writes times: several where several backends were asked, `-` where none was. Their sum in
 * milliseconds, or `null`.
 */
export const millis = (text: string): number | null => {
  const numbers = text.match(/\d+(?:\.\d+)?/g)
  return numbers === null ? null : Math.round(numbers.reduce((sum, number) => sum + Number(number), 0) * 1_000)
}

/** The last of several values that nginx writes for several backends (`a, b : c`). */
export const last = (text: string): string => text.split(/, | : /).at(-1) ?? ""
