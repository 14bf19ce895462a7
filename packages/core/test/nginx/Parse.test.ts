import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { outlineOf, readNginx } from "../../../../test/support/NginxSyntax.ts"
import { argument } from "../../src/nginx/Argument.ts"
import { advance, statementStart } from "../../src/nginx/Lexing.ts"
import { allDirectives, parseNginx } from "../../src/nginx/Parse.ts"
import type { Directive } from "../../src/nginx/Parse.ts"
import { HostileText } from "./Hostile.ts"

const read = (text: string): ReadonlyArray<Directive> => Result.getOrThrow(parseNginx(text))
const refusal = (text: string) => {
  const parsed = parseNginx(text)
  return Result.isFailure(parsed) ? parsed.failure : null
}
type Outline = ReadonlyArray<readonly [string, Outline | null]>
const outline = (directives: ReadonlyArray<Directive>): Outline =>
  directives.map(({ block, name }) => [name, block === null ? null : outline(block)])

describe("Parse", () => {
  it("reads directives, blocks, quotes, escapes and comments", () => {
    const [first, second] = read(
      `a b "c d" 'e\\'f' g\\;h; # comment ; {\nserver { listen 80; location ~ x\${2} { return 200 "{;}#"; } }`
    )
    assert.deepStrictEqual(first?.args, ["b", "c d", "e'f", "g\\;h"])
    const names = Array.from(allDirectives(second === undefined ? [] : [second]), ({ line, name }) => [name, line])
    assert.deepStrictEqual(names, [
      ["server", 2],
      ["listen", 2],
      ["location", 2],
      ["return", 2]
    ])
  })

  it("keeps a brace after a dollar inside the word, as nginx does", () => {
    assert.deepStrictEqual(read("a ${b}c;")[0]?.args, ["${b}c"])
  })

  it.each([
    ["a", 1, /has no ";"/],
    ["a {", 1, /not closed/],
    ["}", 1, /closes nothing/],
    ["a b;\n}\nserver {", 2, /closes nothing/],
    ["a { b }", 1, /"b" has no ";"/],
    ["\n;", 2, /unexpected ";"/],
    ["{ }", 1, /unexpected "{"/],
    ['\n\na "b', 3, /not closed/],
    ["a 'b'c;", 1, /after a closing quote/],
    [`${"a { ".repeat(100)}${"}".repeat(100)}`, 1, /too deeply/]
  ])("refuses %j and names line %d", (text, line, message) => {
    assert.strictEqual(refusal(text)?.line, line)
    assert.match(refusal(text)?.message ?? "", message)
  })

  it.effect.prop(
    "agrees with a reader written apart from it, on any text",
    [HostileText, HostileText],
    ([left, right]) =>
      Effect.sync(() => {
        const text = `a ${left.join("")}; b { ${right.join("")}; }`
        const parsed = parseNginx(text)
        const other = Result.try(() => outlineOf(readNginx(text)))
        assert.strictEqual(Result.isSuccess(parsed), Result.isSuccess(other), JSON.stringify(text))
        if (Result.isSuccess(parsed)) assert.deepStrictEqual(outline(parsed.success), Result.getOrThrow(other))
      }),
    { arbitrary: { runs: 2_000, seed: 7 } }
  )

  it.effect.prop(
    "reads back any quoted argument as it was",
    [HostileText],
    ([parts]) =>
      Effect.sync(() => {
        const text = parts.join("")
        assert.deepStrictEqual(read(`a ${argument(text)} b;`)[0]?.args, [text, "b"])
      }),
    { arbitrary: { runs: 1_000, seed: 8 } }
  )
})

describe("Lexing", () => {
  it.each([
    ["", "statement"],
    ["a", "bare"],
    ["a ", "gap"],
    ['a "', "double"],
    ['a "\\"', "double"],
    ["a 'x", "single"],
    ['a "x"', "closed"],
    ["a # x", "comment"],
    ["a # x\n", "gap"],
    ["# x\n", "statement"],
    ["a ${", "bare"],
    ["a { b;", "statement"]
  ])("after %j stands in: %s", (text, place) => assert.strictEqual(advance(statementStart, text).place, place))
})
