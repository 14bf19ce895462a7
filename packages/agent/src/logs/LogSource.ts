/** A log that the agent reads. */
import type { LogFormat } from "../SettingValues.ts"
import type { Beginning } from "./LogPosition.ts"

export interface LogSource {
  /** Where nginx has it; its positions are kept under this name. */
  readonly path: string
  readonly format: LogFormat
  readonly beginning: Beginning
  /** Nobody but the agent rotates it. */
  readonly own: boolean
}

export interface LogPlaces {
  readonly accessLog: string | null
  readonly errorLog: string
  readonly foreign: ReadonlyArray<{ readonly path: string; readonly format: LogFormat }>
}

/** Each path once; what an operator says of it counts. Pure. */
export const logSources = ({ accessLog, errorLog, foreign }: LogPlaces): ReadonlyArray<LogSource> => {
  const sources = new Map<string, LogSource>()
  if (accessLog !== null) sources.set(accessLog, { path: accessLog, format: "json", beginning: "start", own: true })
  sources.set(errorLog, { path: errorLog, format: "error", beginning: "end", own: false })
  for (const { format, path } of foreign) {
    if (path !== accessLog) sources.set(path, { path, format, beginning: "end", own: false })
  }
  return [...sources.values()]
}
