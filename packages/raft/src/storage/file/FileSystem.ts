/**
 * All that the storage asks of an operating system. Synchronous, because the storage has a thread of its own: a flush
 * that stalls blocks that thread and nothing else.
 *
 * What holds after a power cut, and nothing more (fsync(2), rename(2)):
 * - bytes written are durable once `sync` of their file has returned; before, any of their sectors may or may not be;
 * - a file's name (made, renamed, removed) is durable once `syncDirectory` has returned;
 * - a sector is written whole, or not at all; bytes that a write repeats unchanged are safe.
 *
 * Every operation throws what the operating system says, with its `code`.
 */
export interface FileSystem {
  readonly makeDirectory: (path: string) => void
  /** Names in a directory, sorted. */
  readonly list: (directory: string) => ReadonlyArray<string>
  /** `create` fails when the file exists, `existing` when it does not. */
  readonly open: (path: string, mode: "create" | "existing") => File
  /** Of a file, whose new name may be taken already; or of a directory, whose new name is free or that of an empty one. */
  readonly rename: (from: string, to: string) => void
  readonly remove: (path: string) => void
  readonly syncDirectory: (path: string) => void
  /** Held until it is released or the process ends, however it ends. */
  readonly lock: (path: string) => Lock
}

export interface File {
  /** Writes all of `bytes` at `offset`, which may lie past the end. */
  readonly write: (bytes: Uint8Array, offset: number) => void
  /** Fills `into` from `offset`; returns how many bytes there were. */
  readonly read: (into: Uint8Array, offset: number) => number
  /** Makes everything written durable, and the size of the file. */
  readonly sync: () => void
  readonly size: () => number
  readonly close: () => void
}

export interface Lock {
  readonly release: () => void
}

/** The whole of a file. */
export const readWhole = (files: FileSystem, path: string): Uint8Array => {
  const file = files.open(path, "existing")
  try {
    const bytes = new Uint8Array(file.size())
    return bytes.subarray(0, file.read(bytes, 0))
  } finally {
    file.close()
  }
}
