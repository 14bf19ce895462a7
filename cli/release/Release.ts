// What an installation holds: the programs as bundles, the Node that runs them, and their commands. No sources, no dependencies.

import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { writeBundle } from "../bundle/Bundler.ts"
import { nodeFlags, type ProgramName, programs } from "../bundle/Bundle.ts"
import { readSources } from "../bundle/Sources.ts"
import { inCheckout, root } from "../tooling/Checkout.ts"

const commands = { "nxmesh-master": "master", "nxmesh-agent": "agent", nxmesh: "nxmesh" } as const

/** Finds its folder through links, so that a link in /usr/local/bin is enough. */
const commandText = (program: ProgramName): string => {
  const node = ['"$here/node"', ...nodeFlags[program]].join(" ")
  return `#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nexec ${node} "$here/../programs/${program}.mjs" "$@"\n`
}

/** Ends with 0 when the address answers in time with success: what a container's health check runs. */
const probeText = `const answer = await fetch(process.argv[2], { signal: AbortSignal.timeout(4000) }).catch(() => undefined)
process.exit(answer?.ok ? 0 : 1)
`

/** Writes a release into a folder that is empty or not there. */
export const writeRelease = async (folder: string): Promise<void> => {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Error(`${folder} is not empty: name a folder that is not there yet`)
  }
  const bin = join(folder, "bin")
  mkdirSync(bin, { recursive: true })
  const entries = Object.fromEntries(Object.entries(programs).map(([name, path]) => [name, join(root, path)]))
  await writeBundle(readSources(root, "product"), entries, join(folder, "programs"))
  // The Node that runs this is the pinned one, unless the platform has none.
  copyFileSync(process.execPath, join(bin, "node"))
  writeFileSync(join(bin, "probe.mjs"), probeText)
  for (const [command, program] of Object.entries(commands)) writeFileSync(join(bin, command), commandText(program))
  for (const name of ["node", ...Object.keys(commands)]) chmodSync(join(bin, name), 0o755)
  copyFileSync(inCheckout("LICENSE"), join(folder, "LICENSE"))
  cpSync(inCheckout("packaging", "systemd"), join(folder, "systemd"), { recursive: true })
}
