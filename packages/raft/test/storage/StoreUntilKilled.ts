/** A process that stores entry after entry in the directory it is given, and says which are durable, until it is killed. */
import { DiskStorage } from "@nxmesh/raft/storage/DiskStorage"
import { nodeFileSystem } from "@nxmesh/raft/storage/file/NodeFileSystem"
import { writeSync } from "node:fs"
import { command, entriesOnly, tinyLog } from "./Samples.ts"

const storage = DiskStorage.open(nodeFileSystem, process.argv[2] ?? "", tinyLog)
for (let index = 1; ; index++) {
  storage.append(entriesOnly([command(index, 1, 200)]))
  writeSync(1, `${storage.sync().index}\n`)
}
