import { inCheckout } from "./Checkout.ts"
import { singlePart } from "./Part.ts"
import type { PartResult } from "./Part.ts"
import { runNode } from "./Program.ts"

/** A static check: a tool of node_modules, run by the path of its script (never through `.bin`, which npm may delete). */
export interface CheckPart {
  readonly name: string
  readonly budgetSeconds: number
  readonly script: string
  readonly args: ReadonlyArray<string>
}

const tsc = inCheckout("node_modules/typescript/bin/tsc")

export const checkParts: ReadonlyArray<CheckPart> = [
  { name: "types", budgetSeconds: 20, script: tsc, args: ["-p", "tsconfig.json"] },
  {
    name: "types: protocol in a browser",
    budgetSeconds: 10,
    script: tsc,
    args: ["-p", "packages/protocol/tsconfig.json"]
  },
  {
    name: "types: raft's core on its own",
    budgetSeconds: 10,
    script: tsc,
    args: ["-p", "packages/raft/tsconfig.json"]
  },
  {
    name: "types: console",
    budgetSeconds: 15,
    script: tsc,
    args: ["-p", "packages/web/tsconfig.json"]
  },
  {
    name: "lint",
    budgetSeconds: 20,
    script: inCheckout("node_modules/oxlint/bin/oxlint"),
    args: ["--type-aware", "--deny-warnings", "--no-error-on-unmatched-pattern"]
  },
  {
    name: "lint: effect",
    budgetSeconds: 30,
    script: inCheckout("node_modules/@effect/tsgo/dist/effect-tsgo.cjs"),
    // Without an inline configuration it looks for a plugin in tsconfig.json, finds none and checks nothing.
    args: ["diagnostics", "--project", "tsconfig.json", "--lspconfig", "{}", "--format", "text", "--severity", "error"]
  },
  {
    name: "format",
    budgetSeconds: 10,
    script: inCheckout("node_modules/oxfmt/bin/oxfmt"),
    args: ["--check", "."]
  }
]

/** Runs one check; what the tool says is printed when it fails. */
export const runCheckPart = async (part: CheckPart): Promise<PartResult> => {
  const outcome = await runNode([part.script, ...part.args], { output: "capture", timeoutMillis: 300_000 })
  if (outcome.exitCode !== 0) process.stdout.write(`\n${part.name} failed:\n${outcome.output.trimEnd()}\n\n`)
  process.stdout.write(`${outcome.exitCode === 0 ? "ok    " : "FAILED"} ${part.name} ${outcome.seconds.toFixed(1)} s\n`)
  return singlePart(
    part.name,
    outcome.seconds,
    outcome.exitCode === 0 ? [] : [`${part.name} failed`],
    part.budgetSeconds
  )
}

/** Runs all checks, also after one failed. */
export const runCheckParts = async (
  parts: ReadonlyArray<CheckPart> = checkParts
): Promise<ReadonlyArray<PartResult>> => {
  const results: Array<PartResult> = []
  for (const part of parts) results.push(await runCheckPart(part))
  return results
}
