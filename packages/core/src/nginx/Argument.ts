/**
 * Values as arguments of nginx directives. Quoting is by the rules of nginx's reader: inside double quotes a backslash
 * escapes a backslash and a double quote, and nothing else ends the argument. `$` has no escape in nginx; whether a
 * value may hold variables is decided by its schema (`protocol/model/NginxText`).
 */
import { Limits } from "../Limits.ts"

/**
 * Needs no quotes anywhere in a word. Braces, quotes, `;`, `#`, backslash and space are what it leaves out, and a `$` at
 * the end, which would take a `{` that follows into the word.
 */
const bare = /^[A-Za-z0-9_./:=*%@,+~^$?&!-]*[A-Za-z0-9_./:=*%@,+~^?&!-]$/
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const control = /[\u0000-\u001f\u007f-\u009f]/

export const isBare = (text: string): boolean => bare.test(text)
export const hasControlCharacter = (text: string): boolean => control.test(text)

/** The text as it stands between double quotes. */
export const escapeDouble = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')
export const escapeSingle = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")

/** One whole argument, in quotes where it needs them. */
export const argument = (text: string): string => (isBare(text) ? text : `"${escapeDouble(text)}"`)

const encoder = new TextEncoder()
export const utf8Bytes = (text: string): number => encoder.encode(text).length

/** nginx reads an argument into one buffer of 4,096 bytes, quotes and escapes included. */
export const fitsInBuffer = (written: string): boolean =>
  written.length <= Limits.nginx.argumentBytesMax / 4 || utf8Bytes(written) <= Limits.nginx.argumentBytesMax

/** One simple directive, indented by `depth` levels. */
export const directive = (depth: number, name: string, ...values: ReadonlyArray<string | number>): string =>
  `${"    ".repeat(depth)}${[name, ...values.map((value) => argument(String(value)))].join(" ")};\n`

/** A comment line. What would end it is written as a space. */
export const comment = (depth: number, text: string): string =>
  `${"    ".repeat(depth)}# ${text.replace(new RegExp(control, "g"), " ").slice(0, Limits.nginx.commentCharactersMax)}\n`
