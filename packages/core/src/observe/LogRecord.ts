/** One log line's content (OB-001), from what Effect knows of it. Pure: the logger around it writes. */
import { Array as Arr, Cause, Redactable } from "effect"
import type { LogLevel } from "effect"
import { Limits } from "../Limits.ts"

export type Level = "ERROR" | "WARN" | "INFO" | "DEBUG" | "TRACE"

export interface LogRecord {
  readonly timestamp: string
  readonly level: Level
  readonly component: string
  readonly agent_id?: string
  /** `null` outside a span. */
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface LogInput {
  readonly date: Date
  readonly level: LogLevel.LogLevel
  /** What was logged: a text, and objects whose keys become fields. */
  readonly message: unknown
  readonly cause: Cause.Cause<unknown>
  /** `component` and `agent_id` become fields of the record, the others of `fields`. */
  readonly annotations: Readonly<Record<string, unknown>>
  readonly span: { readonly traceId: string; readonly spanId: string } | undefined
  readonly component: string
}

const levels: Readonly<Record<LogLevel.LogLevel, Level>> = {
  All: "TRACE",
  Trace: "TRACE",
  Debug: "DEBUG",
  Info: "INFO",
  Warn: "WARN",
  Error: "ERROR",
  Fatal: "ERROR",
  None: "TRACE"
}

/** Names under which a text is a secret, whatever made it. `Redacted` values are masked wherever they are. */
const secretName = /(password|passphrase|secret|private_?key|authorization|cookie|(^|_)token)$/i
const masked = "<redacted>"

const shorten = (text: string) =>
  text.length <= Limits.log.textCharactersMax ? text : `${text.slice(0, Limits.log.textCharactersMax)}…`

/** A value as JSON may hold it: errors by name and message, secrets masked, texts and depth bounded. */
const plain = (value: unknown, depth = 0): unknown => {
  if (value === null || value === undefined || typeof value === "boolean") return value ?? null
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value)
  if (typeof value === "string") return shorten(value)
  if (typeof value !== "object") return shorten(String(value))
  if (depth >= Limits.log.depthMax) return "…"
  if (Redactable.isRedactable(value)) return plain(Redactable.redact(value), depth + 1)
  if (Cause.isCause(value)) return shorten(Cause.pretty(value))
  if (value instanceof Error) return plainError(value, depth)
  if (value instanceof Uint8Array) return `<${value.length} bytes>`
  if ("toJSON" in value && typeof value.toJSON === "function") return plain(value.toJSON(), depth + 1)
  if (Array.isArray(value)) return value.slice(0, Limits.log.itemsMax).map((item) => plain(item, depth + 1))
  return plainObject(value, depth)
}

const plainError = (error: Error, depth: number) => ({
  name: error.name,
  message: shorten(error.message),
  ...(error.cause === undefined ? {} : { cause: plain(error.cause, depth + 1) })
})

const plainObject = (value: object, depth: number): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value)
      .slice(0, Limits.log.itemsMax)
      .map(([name, item]) => [
        name,
        secretName.test(name) && item !== null && item !== undefined ? masked : plain(item, depth + 1)
      ])
  )

const isFields = (part: unknown): part is object =>
  typeof part === "object" && part !== null && !(part instanceof Error) && !Array.isArray(part) && !Cause.isCause(part)

/** Texts of a message become its text, objects its fields. */
const split = (message: unknown) => {
  const parts = Arr.ensure(message)
  const texts = parts
    .filter((part) => !isFields(part))
    .map((part) => (part instanceof Error ? part.message : String(part)))
  return { text: shorten(texts.join(" ")), fields: parts.filter(isFields) }
}

export const logRecord = (input: LogInput): LogRecord => {
  const { agent_id, component, ...annotations } = input.annotations
  const { fields, text } = split(input.message)
  const ended = input.cause.reasons.length > 0 ? { error: shorten(Cause.pretty(input.cause)) } : {}
  return {
    timestamp: input.date.toISOString(),
    level: levels[input.level],
    component: typeof component === "string" ? component : input.component,
    ...(typeof agent_id === "string" ? { agent_id } : {}),
    trace_id: input.span?.traceId ?? null,
    span_id: input.span?.spanId ?? null,
    message: text,
    fields: plainObject(Object.assign({}, annotations, ...fields, ended) as object, 0)
  }
}
