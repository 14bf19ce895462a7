/**
 * The console's files as they were built: what there is, of which type, and in which encodings. Names under `assets/` carry the
 * hash of their content and never change; everything else is asked about at each visit.
 */
import { createHash } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { join, relative, sep } from "node:path"
import { Data, Effect } from "effect"
import { Limits } from "../Limits.ts"

export type Encoding = "br" | "gzip" | "identity"

export interface ConsoleFile {
  /** As in `/assets/main-1a2b3c.js`. */
  readonly path: string
  readonly contentType: string
  readonly isImmutable: boolean
  /** A strong validator (RFC 9110, 8.8.3), of the content in no encoding. */
  readonly etag: string
  readonly bodies: ReadonlyMap<Encoding, Uint8Array>
}

export class ConsoleUnreadable extends Data.TaggedError("ConsoleUnreadable")<{ readonly message: string }> {}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  woff2: "font/woff2",
  ttf: "font/ttf",
  json: "application/json",
  txt: "text/plain; charset=utf-8",
  webmanifest: "application/manifest+json"
}

const encodings: Readonly<Record<string, Encoding>> = { ".br": "br", ".gz": "gzip" }

const typeOf = (path: string): string => types[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream"

const etagOf = (bytes: Uint8Array): string => `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`

/** Which body to send to a client that takes these encodings (RFC 9110, 12.5.3); what is refused by `q=0` is not sent. Pure. */
export const chosenEncoding = (accepted: string | undefined, offered: ReadonlyMap<Encoding, unknown>): Encoding => {
  const words = (accepted ?? "").split(",").map((word) => word.trim().toLowerCase())
  const takes = (name: string) =>
    words.some((word) => {
      const [coding, ...parameters] = word.split(";").map((part) => part.trim())
      return coding === name && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
    })
  if (offered.has("br") && takes("br")) return "br"
  return offered.has("gzip") && takes("gzip") ? "gzip" : "identity"
}

const readAll = async (folder: string): Promise<ReadonlyMap<string, ConsoleFile>> => {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
  if (names.length > Limits.webConsole.filesMax)
    throw new Error(`there are more than ${Limits.webConsole.filesMax} files`)
  const files = new Map<string, ConsoleFile>()
  for (const name of names) {
    if (/\.(br|gz)$/.test(name)) continue
    const bytes = await readFile(join(folder, name))
    const bodies = new Map<Encoding, Uint8Array>([["identity", bytes]])
    for (const [ending, encoding] of Object.entries(encodings)) {
      if (names.includes(name + ending)) bodies.set(encoding, await readFile(join(folder, name + ending)))
    }
    const path = `/${name}`
    files.set(path, {
      path,
      contentType: typeOf(path),
      isImmutable: path.startsWith("/assets/"),
      etag: etagOf(bytes),
      bodies
    })
  }
  return files
}

export const readConsole = (folder: string): Effect.Effect<ReadonlyMap<string, ConsoleFile>, ConsoleUnreadable> =>
  Effect.tryPromise({
    try: () => readAll(folder),
    catch: (cause) =>
      new ConsoleUnreadable({
        message: `the console in ${folder} cannot be read (${cause instanceof Error ? cause.message : String(cause)}): build it, or set NXMESH_CONSOLE_DIR`
      })
  })
