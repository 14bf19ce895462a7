/**
 * The real file system, of which a test holds up flushes as a disk that stalls would: while there is a file `hold-log` or
 * `hold-snapshot` beside the storage's directory, a flush of such files does not return. A file and not a variable,
 * because the storage is in another thread, and often in another process.
 */
import { existsSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import type { FileSystem } from "@nxmesh/raft/storage/file/FileSystem"
import { nodeFileSystem } from "@nxmesh/raft/storage/file/NodeFileSystem"

const pauseMillis = 2
const never = new Int32Array(new SharedArrayBuffer(4))

const holdOf = (path: string): string => {
  const kind = basename(path).startsWith("snapshot-") ? "hold-snapshot" : "hold-log"
  return join(dirname(dirname(path)), kind)
}

export const fileSystem: FileSystem = {
  ...nodeFileSystem,
  open: (path, mode) => {
    const file = nodeFileSystem.open(path, mode)
    const hold = holdOf(path)
    return {
      write: (bytes, offset) => file.write(bytes, offset),
      read: (into, offset) => file.read(into, offset),
      sync: () => {
        while (existsSync(hold)) Atomics.wait(never, 0, 0, pauseMillis)
        file.sync()
      },
      size: () => file.size(),
      close: () => file.close()
    }
  }
}
