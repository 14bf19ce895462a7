import { assert, describe, it } from "@effect/vitest"
import { exceptions } from "./Exceptions.ts"
import { assertNone, planted } from "./Planted.ts"
import { bannedWords, idleExceptions, leftoverMarkers, longFile, vagueName } from "./rules/Bans.ts"
import { filesEnding, isProductSource } from "./rules/Repository.ts"

const files = filesEnding(".ts", ".mjs")
const sources = files.filter(({ path }) => isProductSource(path))
const path = "packages/core/src/A.ts"

describe("banned words", () => {
  const violations = [
    "const a = Date.now()",
    "const a = new Date()",
    "const a = new Date",
    "const a = Math.random()",
    "const a = performance.now()",
    'console.log("a")',
    "const a = process.env.A",
    'const a = process.env["A"]',
    "const a = b as any",
    "setTimeout(a, 1)",
    "setInterval(a, 1)",
    "const a = `${Date.now()}`"
  ]
  for (const line of violations) {
    it(`are found: ${line}`, () => assert.lengthOf(bannedWords(planted(path, "", line), []), 1))
  }

  it("are allowed in comments, strings and longer words", () => {
    assertNone(
      bannedWords(
        planted(path, "// Date.now()", 'const a = "Math.random()"', "const b = new Date(0)", "const c = console2.a"),
        []
      )
    )
  })

  it("are allowed where an exception names file and word, and nowhere else", () => {
    const exception = { path, ban: "Date.now", reason: "…" }
    assertNone(bannedWords(planted(path, "Date.now()"), [exception]))
    assert.lengthOf(bannedWords(planted(path, "Math.random()"), [exception]), 1)
    assert.lengthOf(bannedWords(planted("packages/core/src/B.ts", "Date.now()"), [exception]), 1)
  })

  it("make an exception idle once they are gone", () => {
    const exception = { path, ban: "Date.now", reason: "…" }
    assert.lengthOf(idleExceptions([planted(path, "const a = 1")], [exception]), 1)
    assert.lengthOf(idleExceptions([], [exception]), 1)
    assertNone(idleExceptions([planted(path, "Date.now()")], [exception]))
  })

  it("are not in the sources", () => assertNone(sources.flatMap((file) => bannedWords(file, exceptions))))
  it("justify every exception", () => assertNone(idleExceptions(sources, exceptions)))
})

describe("files", () => {
  it("longer than 400 lines are found", () => {
    assert.lengthOf(longFile({ path, text: "a\n".repeat(401) }), 1)
    assertNone(longFile({ path, text: "a\n".repeat(400) }))
  })

  it("with a marker of work left undone are found", () => {
    assert.lengthOf(leftoverMarkers(planted(path, "// TO DO: later".replace(" D", "D"))), 1)
  })

  it("with a vague name are found", () => {
    for (const vague of ["utils/A.ts", "a/helpers.ts", "Common.ts", "a/index.ts"]) {
      assert.lengthOf(vagueName(`packages/core/src/${vague}`), 1, vague)
    }
    assertNone(vagueName("packages/core/src/crypto/SharedKey.ts"))
  })

  it("are at most 400 lines long", () => assertNone(files.flatMap(longFile)))
  it("leave no work undone", () => assertNone(files.flatMap(leftoverMarkers)))
  it("have names that say what they hold", () => assertNone(files.flatMap((file) => vagueName(file.path))))
})
