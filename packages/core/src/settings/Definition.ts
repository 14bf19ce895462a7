/** What a program's settings are: a table from which they are read, refused and explained. */
import type { Reader } from "./SettingValues.ts"

export interface Definition<A> {
  /** The key in the YAML file. The environment variable is `NXMESH_` and the key in capitals, but for `variable`. */
  readonly key: string
  /** The variable's name where a convention gives one, as in `REDIS_URL`. */
  readonly variable?: string
  readonly read: Reader<A>
  readonly fallback: A
  /** One line; the default in brackets. */
  readonly help: string
  /** The value is never repeated in a message. */
  readonly secret?: boolean
  /** The file may hold a list or a map, which is read as the variable has it: `a,b` or `k=v,l=w`. */
  readonly several?: boolean
}

/** One definition for each field of the settings. */
export type Definitions<Shape> = { readonly [K in keyof Shape]: Definition<Shape[K]> }

export const variableOf = ({ key, variable }: Pick<Definition<unknown>, "key" | "variable">): string =>
  variable ?? `NXMESH_${key.toUpperCase()}`

export const listOf = <Shape>(definitions: Definitions<Shape>): ReadonlyArray<Definition<unknown>> =>
  Object.values<Definition<unknown>>(definitions)

/** Every setting with its variable and meaning, for `--help`. */
export const settingsHelp = <Shape>(definitions: Definitions<Shape>): string => {
  const all = listOf(definitions)
  const width = Math.max(...all.map((definition) => variableOf(definition).length))
  return all.map((definition) => `  ${variableOf(definition).padEnd(width)}  ${definition.help}`).join("\n")
}
