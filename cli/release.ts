// `node nxmesh.mjs release FOLDER`: writes what an installation holds; FOLDER is copied to /opt/nxmesh.

import { resolve } from "node:path"
import { writeRelease } from "./release/Release.ts"

const folder = process.argv[2]
if (folder === undefined) {
  process.stderr.write("usage: node nxmesh.mjs release FOLDER\n")
  process.exitCode = 2
} else {
  await writeRelease(resolve(folder))
  process.stdout.write(`${resolve(folder)}: copy it to /opt/nxmesh; docs/operating/master.md and agent.md go on\n`)
}
