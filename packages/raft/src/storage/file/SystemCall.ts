import { errorCode } from "@nxmesh/core/file/FileError"
import { StorageError } from "../StorageError.ts"

const full: ReadonlySet<string | null> = new Set(["ENOSPC", "EDQUOT"])

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Does what the operating system may refuse, and says it in this storage's words: `operation` is a verb, as in `write`. */
export const systemCall = <A>(operation: string, file: string, offset: number | null, call: () => A): A => {
  try {
    return call()
  } catch (cause) {
    if (cause instanceof StorageError) throw cause
    throw new StorageError({
      reason: full.has(errorCode(cause)) ? "Full" : "Input/output",
      file,
      offset,
      detail: `cannot ${operation}: ${reasonOf(cause)}`,
      cause
    })
  }
}
