import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Scenario } from "../../src/testing/scenario/Scenario.ts"
import { parseScenario, renderScenario } from "../../src/testing/scenario/ScenarioText.ts"

// Each file is a claim, its output was read and agreed to. UPDATE_SCENARIOS=1 rewrites the outputs: review the difference.

const updates = process.env["UPDATE_SCENARIOS"] === "1"
const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".txt"))

describe("scenarios", () => {
  for (const file of files) {
    it(file.replace(/\.txt$/, "").replaceAll("-", " "), () => {
      const path = join(import.meta.dirname, file)
      const text = readFileSync(path, "utf8")
      const scenario = new Scenario()
      const blocks = parseScenario(text).map((block) => ({ ...block, expected: scenario.run(block) }))
      scenario.end()
      if (updates) writeFileSync(path, renderScenario(blocks))
      else assert.strictEqual(renderScenario(blocks), text)
    })
  }
})
