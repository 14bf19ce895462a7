/** The real file system, whose flushes of the log fail with EIO once there is a file `fail-log` beside the storage's directory. */
import { existsSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import type { FileSystem } from "@nxmesh/raft/storage/file/FileSystem"
import { nodeFileSystem } from "@nxmesh/raft/storage/file/NodeFileSystem"

export const fileSystem: FileSystem = {
  ...nodeFileSystem,
  open: (path, mode) => {
    const file = nodeFileSystem.open(path, mode)
    const trigger = join(dirname(dirname(path)), "fail-log")
    const isLog = !basename(path).startsWith("snapshot-")
    return {
      write: (bytes, offset) => file.write(bytes, offset),
      read: (into, offset) => file.read(into, offset),
      sync: () => {
        if (isLog && existsSync(trigger)) throw Object.assign(new Error("i/o error"), { code: "EIO" })
        file.sync()
      },
      size: () => file.size(),
      close: () => file.close()
    }
  }
}
