/**
 * Files that only their owner may read: keys, identities, the first password. Made whole or not at all, and refused
 * when anyone else could read them. To replace one, use `file/AtomicFile`.
 */
import { randomBytes } from "node:crypto"
import { closeSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import { Data, Effect } from "effect"
import { errorCode } from "../file/FileError.ts"

export class PrivateFileError extends Data.TaggedError("PrivateFileError")<{
  readonly path: string
  readonly reason: "NotFound" | "Exists" | "Permissions" | "Content" | "Io"
  readonly message: string
  readonly cause?: unknown
}> {}

const failure = (path: string, doing: string) => (cause: unknown) => {
  if (cause instanceof PrivateFileError) return cause
  const code = errorCode(cause)
  return new PrivateFileError({
    path,
    reason: code === "ENOENT" ? "NotFound" : code === "EEXIST" ? "Exists" : "Io",
    message: `cannot ${doing} ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause
  })
}

const syncDirectory = (path: string): void => {
  const directory = openSync(dirname(path), "r")
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

const writeTemporary = (path: string, content: string | Uint8Array): string => {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.new`
  const file = openSync(temporary, "wx", 0o600)
  try {
    const bytes = typeof content === "string" ? Buffer.from(content) : content
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return temporary
}

/**
 * Puts the content there, mode 0600, durable when it succeeds. Fails with reason `Exists` when something is there: of two
 * that race, one wins whole.
 */
export const createPrivateFile = (path: string, content: string | Uint8Array): Effect.Effect<void, PrivateFileError> =>
  Effect.try({
    try: () => {
      const temporary = writeTemporary(path, content)
      try {
        linkSync(temporary, path)
      } finally {
        rmSync(temporary, { force: true })
      }
      syncDirectory(path)
    },
    catch: failure(path, "create")
  })

/** The content; fails with reason `Permissions` when group or others have any access to the file. */
export const readPrivateFile = (path: string): Effect.Effect<Uint8Array, PrivateFileError> =>
  Effect.try({
    try: () => {
      const file = openSync(path, "r")
      try {
        const mode = fstatSync(file).mode & 0o777
        if ((mode & 0o077) !== 0) {
          throw new PrivateFileError({
            path,
            reason: "Permissions",
            message: `${path} has mode ${mode.toString(8).padStart(4, "0")}, so others than its owner can use it; run: chmod 600 ${path}`
          })
        }
        return new Uint8Array(readFileSync(file))
      } finally {
        closeSync(file)
      }
    },
    catch: failure(path, "read")
  })
