/** Logs as one JSON object a line, with the fields of OB-001. */
import { Layer, Logger, References, Tracer } from "effect"
import { Context } from "effect"
import type { LogLevel } from "effect"
import { logRecord } from "./LogRecord.ts"

export interface JsonLoggerOptions {
  /** Which program logs: `master` or `agent`. A log annotation `component` overrides it. */
  readonly component: string
  readonly minimumLevel?: LogLevel.LogLevel
  /** Takes one line with its line break. Standard output unless given. */
  readonly write?: (line: string) => void
}

const writeStandardOutput = (line: string): void => {
  process.stdout.write(line)
}

export const jsonLogger = (options: JsonLoggerOptions): Logger.Logger<unknown, void> => {
  const write = options.write ?? writeStandardOutput
  return Logger.make(({ cause, date, fiber, logLevel, message }) => {
    const record = logRecord({
      date,
      level: logLevel,
      message,
      cause,
      annotations: fiber.getRef(References.CurrentLogAnnotations),
      span: Context.getOrUndefined(fiber.context, Tracer.ParentSpan),
      component: options.component
    })
    write(`${JSON.stringify(record)}\n`)
  })
}

/** Replaces the default loggers. */
export const layerJsonLogger = (options: JsonLoggerOptions): Layer.Layer<never> =>
  Layer.mergeAll(
    Logger.layer([jsonLogger(options)]),
    Layer.succeed(References.MinimumLogLevel, options.minimumLevel ?? "Info")
  )
