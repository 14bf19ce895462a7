// `node cli/program.ts <master | agent | nxmesh> [arguments]`: one of the programs, in this process, from its bundle.

import { enableCompileCache } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { bundleFolder, lastingBundles, programs } from "./bundle/Bundle.ts"
import type { ProgramName } from "./bundle/Bundle.ts"
import { inCheckout } from "./tooling/Checkout.ts"

/** The bundle is a matter of speed: where none can be kept, the sources do. */
const moduleOf = async (name: ProgramName): Promise<string> => {
  try {
    const folder = await bundleFolder(lastingBundles)
    enableCompileCache(join(folder, "compiled"))
    return join(folder, `${name}.mjs`)
  } catch (error) {
    const reason = stripVTControlCharacters(error instanceof Error ? error.message : String(error))
    const firstLines = reason.split("\n").slice(0, 4).join("\n")
    process.stderr.write(`nxmesh: starts slowly, from the sources, because no bundle could be made: ${firstLines}\n`)
    return inCheckout(programs[name])
  }
}

const isProgram = (name: string | undefined): name is ProgramName => name !== undefined && Object.hasOwn(programs, name)

const name = process.argv[2]
if (isProgram(name)) {
  const file = await moduleOf(name)
  // As if it had been started by its own path.
  process.argv.splice(1, 2, file)
  await import(pathToFileURL(file).href)
} else {
  process.stderr.write(`usage: node cli/program.ts <${Object.keys(programs).join(" | ")}> [arguments]\n`)
  process.exitCode = 2
}
