/**
 * An append-only file of checked lines: `crc32 text\n`. A torn tail, which a crash in the middle of an append leaves, is cut
 * off; a damaged line elsewhere is skipped and counted, because what follows it is still true.
 */
import { Effect, type Scope } from "effect"
import { open, type FileHandle } from "node:fs/promises"
import { dirname } from "node:path"
import { crc32 } from "node:zlib"
import * as AtomicFile from "./AtomicFile.ts"
import { syncPath } from "./Durable.ts"
import { FileError } from "./FileError.ts"

/** One framed line. The text must hold no line feed. */
export const frame = (text: string): string => `${crc32(text).toString(16).padStart(8, "0")} ${text}\n`

export interface JournalContent {
  readonly lines: ReadonlyArray<string>
  /** Lines whose checksum did not match, the torn tail aside. */
  readonly damagedLines: number
  /** Bytes up to the end of the last whole line. */
  readonly wholeBytes: number
}

/** Reads what `frame` wrote. */
export const parse = (content: Uint8Array): JournalContent => {
  const whole = content.lastIndexOf(0x0a) + 1
  const rows = Buffer.from(content.buffer, content.byteOffset, whole).toString("utf8").split("\n").slice(0, -1)
  const lines = rows.filter((row) => frame(row.slice(9)) === `${row}\n`).map((row) => row.slice(9))
  return { lines, damagedLines: rows.length - lines.length, wholeBytes: whole }
}

export interface LineJournal {
  readonly path: string
  /** What the file held when it was opened. */
  readonly content: JournalContent
  /** Appends one line. Durable when it succeeds, unless `durable` is false: then it is ordered, and lasts with the next durable one. */
  readonly append: (text: string, options?: { readonly durable?: boolean }) => Effect.Effect<void, FileError>
  /** Replaces everything by these lines, atomically. */
  readonly rewrite: (lines: ReadonlyArray<string>) => Effect.Effect<void, FileError>
}

const attempt = <A>(operation: string, path: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

const openAt = (path: string, wholeBytes: number) =>
  attempt("open", path, async () => {
    const handle = await open(path, "a", 0o600)
    await handle.truncate(wholeBytes)
    return handle
  })

/** Opens a journal, or makes it; its directory must exist. One writer at a time: the caller serialises. */
export const make = Effect.fnUntraced(function* (path: string): Effect.fn.Return<LineJournal, FileError, Scope.Scope> {
  const content = parse((yield* AtomicFile.readIfExists(path)) ?? new Uint8Array())
  let handle: FileHandle = yield* openAt(path, content.wholeBytes)
  yield* Effect.addFinalizer(() => Effect.promise(() => handle.close()))
  yield* syncPath(dirname(path))

  const append = (text: string, options: { readonly durable?: boolean } = {}) =>
    attempt("append to", path, async () => {
      await handle.appendFile(frame(text))
      if (options.durable !== false) await handle.datasync()
    }).pipe(Effect.uninterruptible)

  const rewrite = Effect.fnUntraced(function* (lines: ReadonlyArray<string>) {
    const text = lines.map(frame).join("")
    yield* AtomicFile.write(path, text)
    const old = handle
    handle = yield* openAt(path, Buffer.byteLength(text))
    yield* attempt("close", path, () => old.close())
  }, Effect.uninterruptible)

  return { path, content, append, rewrite }
})
