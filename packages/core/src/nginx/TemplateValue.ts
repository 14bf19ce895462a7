/**
 * What a template can see. Values are plain data; the two classes mark texts that become something other than one
 * argument. Objects are read by their own keys only, never through a prototype.
 */

/** Several arguments in a row, such as the names of `server_name`. */
export class Words {
  readonly words: ReadonlyArray<string>
  constructor(words: ReadonlyArray<string>) {
    this.words = words
  }
}

/** Directives written by a person with the permission to, already parsed: they stand where a directive may begin. */
export class RawDirectives {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type TemplateValue =
  | string
  | number
  | boolean
  | null
  | Words
  | RawDirectives
  | ReadonlyArray<TemplateValue>
  | TemplateRecord
export interface TemplateRecord {
  readonly [name: string]: TemplateValue
}

export const isList = (value: TemplateValue): value is ReadonlyArray<TemplateValue> => Array.isArray(value)
export const isRecord = (value: TemplateValue): value is TemplateRecord =>
  typeof value === "object" &&
  value !== null &&
  !isList(value) &&
  !(value instanceof Words) &&
  !(value instanceof RawDirectives)

/** As Handlebars has it: false, null, zero, the empty text and the empty list are false. */
export const isTruthy = (value: TemplateValue): boolean => {
  if (isList(value)) return value.length > 0
  if (value instanceof Words) return value.words.length > 0
  if (value instanceof RawDirectives) return value.text.trim() !== ""
  return value !== null && value !== false && value !== 0 && value !== ""
}
