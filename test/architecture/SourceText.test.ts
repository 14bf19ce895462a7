import { assert, describe, it } from "@effect/vitest"
import { readSource } from "./rules/SourceText.ts"

const code = (source: string): string => readSource(source).code.replace(/\s+/g, " ").trim()

describe("readSource", () => {
  it("leaves out comments of both kinds", () => {
    assert.strictEqual(code("a // b\nc /* d\n e */ f"), "a c f")
  })

  it("leaves out the contents of strings, with escapes", () => {
    assert.strictEqual(code(String.raw`f("a\"b", 'c') // "d`), `f(" ", ' ')`)
  })

  it("keeps the code inside a template and leaves out its text", () => {
    assert.strictEqual(code("`a ${f({ b: `c ${d}` })} e` + g"), "` ${f({ b: ` ${d}` })} ` + g")
  })

  it("tells a regular expression from a division", () => {
    assert.strictEqual(
      code('const a = /"[/"]/.test(b) / c / d; return /\'/'),
      "const a = / /.test(b) / c / d; return / /"
    )
  })

  it("takes // inside a string for text", () => {
    assert.strictEqual(code('f("http://a") + g'), 'f(" ") + g')
  })

  it("keeps positions and lines", () => {
    const source = "a /* b\n c */ `d\n${e}` // f\ng"
    const { code, uncommented } = readSource(source)
    assert.strictEqual(code.length, source.length)
    assert.strictEqual(uncommented.length, source.length)
    assert.strictEqual(code.indexOf("g"), source.indexOf("g"))
    assert.strictEqual(code.split("\n").length, 4)
  })
})
