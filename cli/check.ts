// `npm run check`: types, lint, format and the architecture tests. Every part runs, also after one failed.

import { budgetSeconds } from "../test/support/Budget.ts"
import { runCheckParts } from "./tooling/CheckParts.ts"
import { succeeded, summaryLine, table } from "./tooling/Part.ts"
import { runVitestPart } from "./tooling/VitestPart.ts"

const parts = [
  ...(await runCheckParts()),
  await runVitestPart({
    project: "architecture",
    filters: [],
    budgetSeconds: budgetSeconds.architecture,
    timeoutMillis: 300_000,
    env: {}
  })
]
process.stdout.write(`\n${table(parts)}\n\n${summaryLine(parts)}\n`)
process.exitCode = succeeded(parts, false) ? 0 : 1
