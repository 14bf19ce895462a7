/** The YAML file of `--config`: one key for each setting. */
import { readFile } from "node:fs/promises"
import { Effect } from "effect"
import { parseDocument } from "yaml"
import type { Definition } from "./Definition.ts"
import { SettingsError } from "./SettingsError.ts"

export interface SettingsFile {
  readonly path: string
  readonly text: string
}

export interface FileTexts {
  readonly texts: Readonly<Record<string, string>>
  readonly problems: ReadonlyArray<string>
}

/** The file at the path, or `null` when no path is given. */
export const loadSettingsFile = (path: string | null): Effect.Effect<SettingsFile | null, SettingsError> =>
  path === null
    ? Effect.succeed(null)
    : Effect.tryPromise({
        try: async () => ({ path, text: await readFile(path, "utf8") }),
        catch: (cause) =>
          new SettingsError({
            problems: [`--config: cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`]
          })
      })

/** Pure: the texts of the keys, and what is wrong with the file. */
export const readTexts = (file: SettingsFile, definitions: ReadonlyArray<Definition<unknown>>): FileTexts => {
  const content = parse(file)
  if (typeof content === "string") return { texts: {}, problems: [content] }
  const known = new Map(definitions.map((definition) => [definition.key, definition]))
  const texts: Record<string, string> = {}
  const problems: Array<string> = []
  for (const [key, value] of content) {
    const definition = known.get(key)
    const text = definition === undefined ? null : textOf(value, definition.several === true)
    if (definition === undefined)
      problems.push(`${key} in ${file.path}: is not a setting; known are ${[...known.keys()].join(", ")}`)
    else if (text === null) problems.push(`${key} in ${file.path}: must be one value`)
    else texts[key] = text
  }
  return { texts, problems }
}

/**
 * The file's entries, or what is wrong. Every scalar stays the text that was written (YAML's failsafe schema), so that
 * a password of digits is no number. A parser's own messages quote the file, and so its secrets: only the place is told.
 */
const parse = ({ path, text }: SettingsFile): ReadonlyArray<readonly [string, unknown]> | string => {
  const document = parseDocument(text, { schema: "failsafe", stringKeys: true, logLevel: "error" })
  const [error] = document.errors
  if (error !== undefined) {
    const [start] = error.linePos ?? []
    const place = start === undefined ? "" : ` at line ${start.line}, column ${start.col}`
    return `${path}: is not YAML${place} (${error.code.toLowerCase().replaceAll("_", " ")})`
  }
  let content: unknown
  try {
    content = document.toJS() ?? {}
  } catch {
    return `${path}: is not YAML that can be read: write values without aliases (*name)`
  }
  if (content === "") return []
  return typeof content !== "object" || content === null || Array.isArray(content)
    ? `${path}: must hold keys and values, as in data_dir: /var/lib/nxmesh`
    : Object.entries(content)
}

/** The text as the variable would have it, or `null` when it has none. */
const textOf = (value: unknown, several: boolean): string | null => {
  if (typeof value === "string") return value
  if (!several || typeof value !== "object" || value === null) return null
  const items: ReadonlyArray<unknown> = Object.values(value)
  if (!items.every((item) => typeof item === "string")) return null
  return Array.isArray(value)
    ? items.join(",")
    : Object.entries(value)
        .map(([key, item]) => `${key}=${item}`)
        .join(",")
}
