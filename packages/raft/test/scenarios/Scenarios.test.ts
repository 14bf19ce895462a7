import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
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

describe("a scenario ends with an error", () => {
  const run = (text: string): Scenario => {
    const scenario = new Scenario()
    for (const block of parseScenario(text)) scenario.run(block)
    return scenario
  }

  it("at a command, a node or a setting that is not there", () => {
    assert.throws(() => run("cluster m1\nelekt m1"), /line 2, "elekt m1": .*unknown command/)
    assert.throws(() => run("cluster m1\nelect m2"), /there is no m2/)
    assert.throws(() => run("cluster m1 prevote=false"), /unknown settings prevote/)
  })

  it("when Raft's invariants are broken: two disks forget a committed entry", () => {
    const forgotten = "kill m2\nkill m3\nwipe m2\nwipe m3\nfill m2 2,2\nfill m3 2,2\nrestart m2 m3"
    const text = `cluster m1 m2 m3\nelect m1\npropose m1 a\nstabilize\n${forgotten}\npartition m1 | m2 m3\nelect m2`
    assert.throws(() => run(text), /"elect m2": Error: .*state machine safety: m[23] committed another entry at 1/)
  })

  it("when a fault that it arranged did not happen", () => {
    assert.throws(() => run("cluster m1\nfault m1 EIO sync log-").end(), /a fault of m1's disk did not happen/)
  })
})

/** The minimum set of the list of required scenarios. */
const required = [
  ...[
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18, 19, 22, 23, 24, 27, 28, 29, 30, 31, 32, 34, 35, 36, 37, 38
  ],
  ...[39, 40, 41, 45, 46, 47, 48, 49, 50, 51, 52, 55, 57, 58, 59, 60, 61, 62, 63, 64]
]

describe("the table of scenarios", () => {
  const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8")
  const rows = [...readme.matchAll(/^\| (\d+)(\*?) \| (\S.*?) \| .* \| (.*) \|$/gm)].map(
    ([, number, star, name = "", where = ""]) => ({
      number: Number(number),
      isRequired: star === "*",
      name,
      links: [...where.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link)
    })
  )

  it("has all that are required", () => {
    assert.strictEqual(required.length, 51)
    assert.deepStrictEqual(
      rows.filter(({ isRequired }) => isRequired).map(({ number }) => number),
      required
    )
  })

  it("says where each is, by its name", () => {
    for (const { links, name, number } of rows) {
      assert.isNotEmpty(links, `${number}`)
      for (const link of links) assert.isTrue(existsSync(join(import.meta.dirname, link)), link)
      const texts = links.filter((link) => link.endsWith(".txt"))
      for (const text of texts) assert.strictEqual(basename(text, ".txt"), name.replaceAll(/[+/]/g, "-"))
    }
  })

  it("leaves no file out", () => {
    for (const file of files) assert.include(readme, `(${file})`)
  })
})
