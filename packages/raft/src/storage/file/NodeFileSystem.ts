import * as fs from "node:fs"
import { DatabaseSync } from "node:sqlite"
import type { File, FileSystem, Lock } from "./FileSystem.ts"

/** Owner only: the log holds whatever the state machine holds. */
const fileMode = 0o600
const directoryMode = 0o700

class NodeFile implements File {
  private readonly descriptor: number

  constructor(descriptor: number) {
    this.descriptor = descriptor
  }

  write(bytes: Uint8Array, offset: number): void {
    let done = 0
    // A write may be short, on a disk that fills up for one; the next one then says why.
    while (done < bytes.length) {
      done += fs.writeSync(this.descriptor, bytes, done, bytes.length - done, offset + done)
    }
  }

  read(into: Uint8Array, offset: number): number {
    let done = 0
    while (done < into.length) {
      const count = fs.readSync(this.descriptor, into, done, into.length - done, offset + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  sync(): void {
    fs.fdatasyncSync(this.descriptor)
  }

  size(): number {
    return fs.fstatSync(this.descriptor).size
  }

  close(): void {
    fs.closeSync(this.descriptor)
  }
}

/**
 * Node has no flock; SQLite has its locks: an exclusive transaction on a file of its own, which the kernel ends with
 * the process. `journal_mode = OFF`, because nothing is ever written to it.
 */
const lock = (path: string): Lock => {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE")
  } catch (cause) {
    database.close()
    throw cause
  }
  return { release: () => database.close() }
}

/** The real one, over node:fs. */
export const nodeFileSystem: FileSystem = {
  makeDirectory: (path) => {
    fs.mkdirSync(path, { recursive: true, mode: directoryMode })
  },
  list: (directory) => fs.readdirSync(directory).sort(),
  open: (path, mode) => new NodeFile(fs.openSync(path, mode === "create" ? "wx+" : "r+", fileMode)),
  rename: (from, to) => fs.renameSync(from, to),
  remove: (path) => fs.rmSync(path),
  syncDirectory: (path) => {
    const descriptor = fs.openSync(path, "r")
    try {
      fs.fsyncSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
  },
  lock
}
