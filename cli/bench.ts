// `npm run bench [name]`: runs bench/<name>.ts, or every benchmark. Files that start with a capital letter are their parts.

import { readdir } from "node:fs/promises"
import { inCheckout } from "./tooling/Checkout.ts"
import { runNode, stopRunning } from "./tooling/Program.ts"

const files = await readdir(inCheckout("bench"))
const names = files.filter((file) => /^[a-z].*\.ts$/.test(file)).map((file) => file.slice(0, -3))
const [wanted, ...args] = process.argv.slice(2)
let interrupted = false

const interrupt = (): void => {
  interrupted = true
  stopRunning()
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt)

const runAll = async (selected: ReadonlyArray<string>): Promise<number> => {
  let exitCode = 0
  for (const name of selected) {
    if (interrupted) return 130
    process.stdout.write(`\n${name}\n`)
    const outcome = await runNode([inCheckout("bench", `${name}.ts`), ...args], { output: "inherit" })
    if (outcome.exitCode !== 0) exitCode = outcome.exitCode
  }
  return exitCode
}

if (wanted !== undefined && !names.includes(wanted)) {
  process.stderr.write(`no benchmark "${wanted}"; there are: ${names.join(", ") || "none yet"}\n`)
  process.exitCode = 2
} else {
  process.exitCode = await runAll(wanted === undefined ? names : [wanted])
}
