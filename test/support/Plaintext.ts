/** Looks for a secret that was planted: no file under a directory may hold it, in any form that a reader would know. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** The needle as it stands, in base64 at each of three alignments, in hexadecimal, and as JSON escapes it. */
const forms = (needle: string): ReadonlyArray<Buffer> => {
  const bytes = Buffer.from(needle)
  const aligned = [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replace(/=+$/, "")
    return encoded.slice(offset === 0 ? 0 : 4, encoded.length - 2)
  })
  const escaped = JSON.stringify(needle).slice(1, -1)
  return [needle, escaped, bytes.toString("hex"), ...aligned].map((form) => Buffer.from(form))
}

/** Whether a text holds the needle in one of those forms. */
export const holds = (text: string | Uint8Array, needle: string): boolean => {
  const bytes = Buffer.from(text)
  return forms(needle).some((form) => bytes.includes(form))
}

/** The files under a directory that hold the needle. It must be long enough (16 characters) to be found by no accident. */
export const filesContaining = (directory: string, needle: string): ReadonlyArray<string> => {
  if (needle.length < 16) throw new Error("a needle of fewer than 16 characters finds itself anywhere")
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => holds(readFileSync(path), needle))
}
