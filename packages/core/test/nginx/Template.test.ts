import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { evaluateTemplate } from "../../src/nginx/TemplateEvaluation.ts"
import { parseTemplate, partialNames } from "../../src/nginx/TemplateSource.ts"
import { RawDirectives, Words } from "../../src/nginx/TemplateValue.ts"
import type { TemplateRecord } from "../../src/nginx/TemplateValue.ts"

const run = (source: string, context: TemplateRecord = {}, partials: Readonly<Record<string, string>> = {}) => {
  const find = (name: string) => {
    const text = Object.hasOwn(partials, name) ? partials[name] : undefined
    return text === undefined ? Result.succeed(null) : parseTemplate(name, text)
  }
  return Result.flatMap(parseTemplate("main", source), (template) => evaluateTemplate(template, context, find))
}
const text = (source: string, context?: TemplateRecord, partials?: Readonly<Record<string, string>>) =>
  Result.getOrThrow(run(source, context, partials))
const problem = (source: string, context?: TemplateRecord, partials?: Readonly<Record<string, string>>) => {
  const result = run(source, context, partials)
  assert.isTrue(Result.isFailure(result), `"${source}" was not refused`)
  return Result.isFailure(result) ? result.failure : null
}
const list = {
  items: [
    { name: "a", value: 1 },
    { name: "b", value: 2 }
  ],
  empty: [],
  port: 80
}

describe("Template language", () => {
  it("has if, unless, each, with, else and their data", () => {
    assert.strictEqual(text("x {{#if port}}a{{else}}b{{/if}}{{#unless port}}c{{/unless}};", list), "x a;")
    assert.strictEqual(text("{{#each items}}x {{name}} {{@index}} {{../port}};{{/each}}", list), "x a 0 80;x b 1 80;")
    assert.strictEqual(text("{{#each empty}}x{{else}}none;{{/each}}", list), "none;")
    assert.strictEqual(text("{{#each items as |item at|}}x {{item.name}} {{at}};{{/each}}", list), "x a 0;x b 1;")
    assert.strictEqual(text("{{#with items.[1]}}x {{name}};{{/with}}", list), "x b;")
    assert.strictEqual(text("{{#if (and port (eq items.length 2))}}x{{/if}};", list), "x;")
    assert.strictEqual(
      text("{{#each items}}{{#unless @first}}y;{{/unless}}x {{@root.port}};{{/each}}", list),
      "x 80;y;x 80;"
    )
  })

  it("has partials by name, with context and fields, inline ones and partial blocks", () => {
    assert.strictEqual(text("{{> p}}", list, { p: "x {{port}};" }), "x 80;")
    assert.strictEqual(text("{{#each items}}{{> p}}{{/each}}", list, { p: "x {{name}};" }), "x a;x b;")
    assert.strictEqual(text("{{> p port=81}}", list, { p: "x {{port}};" }), "x 81;")
    assert.strictEqual(text('{{#*inline "p"}}x {{port}};{{/inline}}{{> p}}', list), "x 80;")
    assert.strictEqual(text("{{#> p}}y;{{/p}}", list, { p: "x { {{> @partial-block}} }" }), "x { y; }")
    assert.strictEqual(text("{{#> missing}}y;{{/missing}}", list), "y;")
  })

  it("names the partials that must travel with a template", () => {
    const source = '{{> b}}{{#if x}}{{> a}}{{/if}}{{#*inline "own"}}{{> c}}{{/inline}}{{> own}}'
    assert.deepStrictEqual(Result.map(parseTemplate("t", source), partialNames), Result.succeed(["a", "b", "c"]))
  })

  it.each([
    ["{{#if", 1, /syntax error/],
    ["a;\n{{#if port}}\nb;\n{{/each}}", 2, /if doesn't match each/],
    ["a;\n{{typo}}", 2, /"typo" is not a variable/],
    ["\n\n{{#each typo}}{{/each}}", 3, /"typo" is not a variable/],
    ["x {{{port}}};", 1, /raw output/],
    ["x {{&port}};", 1, /raw output/],
    ["{{#repeat port}}{{/repeat}}", 1, /no block "repeat"/],
    ["x {{shout port}};", 1, /no helper "shout"/],
    ["{{> missing}}", 1, /no partial "missing"/],
    ["{{> (default port)}}", 1, /by its name alone/],
    ["{{* decorate port}}", 1, /not allowed/],
    ["x {{items}};", 1, /use \{\{#each\}\}/],
    ["x {{none}};", 1, /guard it/],
    ["x {{constructor}};", 1, /not a variable/],
    ["x {{__proto__}};", 1, /not a variable/],
    ["x {{port.constructor}};", 1, /not a variable/],
    ["x {{items.constructor}};", 1, /not a variable/],
    ["x {{lookup items 0}};", 1, /no helper/]
  ])("refuses %j at line %d", (source, line, message) => {
    const found = problem(source, { ...list, none: null })
    assert.strictEqual(found?.line, line)
    assert.match(found?.problem ?? "", message)
  })
})

describe("Template bounds", () => {
  it("ends a partial that includes itself, and one that does so through another", () => {
    assert.match(problem("{{> a}}", {}, { a: "{{> a}}" })?.message ?? "", /"a".*nest deeper than/)
    assert.match(problem("{{> a}}", {}, { a: "\n{{> b}}", b: "{{> a}}" })?.message ?? "", /nest deeper than/)
    assert.match(problem('{{#*inline "a"}}{{> a}}{{/inline}}{{> a}}')?.message ?? "", /nest deeper than/)
  })

  it("ends output that doubles at every level", () => {
    const levels = Object.fromEntries(
      Array.from({ length: 14 }, (_, level) => [`p${level}`, `{{> p${level + 1}}}`.repeat(10)])
    )
    const found = problem("{{> p0}}", {}, { ...levels, p14: "a b;" })
    assert.match(found?.message ?? "", /more than \d+ (steps|characters)/)
  })

  it("ends loops within loops", () => {
    const many = { items: Array.from({ length: 1_000 }, (_, index) => index) }
    const found = problem("{{#each items}}{{#each @root.items}}a b;{{/each}}{{/each}}", many)
    assert.match(found?.message ?? "", /more than \d+ (steps|characters)/)
  })

  it("refuses blocks and expressions nested without end", () => {
    const blocks = `${"{{#if port}}".repeat(5_000)}a;${"{{/if}}".repeat(5_000)}`
    assert.match(problem(blocks, list)?.problem ?? "", /deep/)
    const expression = `x {{#if ${"(not ".repeat(20_000)}port${")".repeat(20_000)}}}a{{/if}};`
    assert.match(problem(expression, list)?.problem ?? "", /deep/)
    assert.match(problem(`x {{#if ${"(not ".repeat(20_000)}`, list)?.problem ?? "", /deep/)
    const chain = `{{#if port}}${"{{else if port}}".repeat(2_000)}{{/if}}`
    assert.match(problem(chain, list)?.problem ?? "", /deep/)
    assert.isTrue(Result.isFailure(run("{{a ".repeat(30_000))))
    assert.match(problem("{{{{raw}}}} {{{{/raw}}}}")?.problem ?? "", /raw blocks/)
  })

  it("does not count what stands side by side as depth", () => {
    const branch = "{{#if port}}a b;{{else if items}}c;{{else}}d;{{/if}}{{^port}}e;{{/port}}".replace(/\{\{\^.*/, "")
    assert.strictEqual(text(branch.repeat(200), list), "a b;".repeat(200))
  })
})

describe("Values in their place", () => {
  const value = (v: string) => ({ v })

  it("quotes an argument where it needs quotes", () => {
    assert.strictEqual(text("x {{v}};", value("plain")), "x plain;")
    assert.strictEqual(text("x {{v}};", value("a; b")), 'x "a; b";')
    assert.strictEqual(text("x {{v}};", value('"\\')), 'x "\\"\\\\";')
    assert.strictEqual(text("x {{v}};", value("")), 'x "";')
    assert.strictEqual(text("x {{v}};", value("#")), 'x "#";')
    assert.strictEqual(text("x {{v}} {", value("$")), 'x "$" {')
  })

  it("escapes inside quotes of the template's author", () => {
    assert.strictEqual(text('x "a {{v}} b";', value('"; y')), 'x "a \\"; y b";')
    assert.strictEqual(text("x 'a {{v}} b';", value("'; y")), "x 'a \\'; y b';")
    assert.strictEqual(text("# {{v}}\nx;", value("; y")), "# ; y\nx;")
  })

  it("writes several arguments only where arguments begin", () => {
    const words = { v: new Words(["~", "a b"]) }
    assert.strictEqual(text("location {{v}} {", words), 'location ~ "a b" {')
    assert.match(problem('x "{{v}}";', words)?.problem ?? "", /several arguments/)
    assert.strictEqual(text('x "{{v}}";', { v: new Words(["one"]) }), 'x "one";')
  })

  it("writes directives only where a directive may begin", () => {
    const raw = { v: new RawDirectives("a b;") }
    assert.strictEqual(text("x {\n{{v}} }", raw), "x {\na b;\n }")
    assert.match(problem("x {{v}};", raw)?.problem ?? "", /where a directive may begin/)
  })

  it.each([
    ["x a={{v}};", "b c", /need quotes/],
    ["x http://{{v}}/;", 'a"', /need quotes/],
    ["x a{{v}}{", "$", /need quotes/],
    ["{{v}} on;", "load_module", /directive's name/],
    ["proxy_{{v}} on;", "pass", /directive's name/],
    ['"{{v}}" on;', "pass", /directive's name/],
    ["x {{v}}b;", "a b", /text follows/],
    ["x {{v}}{{v}};", "a b", /closing quote/],
    ["x ${{v}};", "host", /change its meaning/],
    ["x \\\\{{v}};", "n", /change its meaning/],
    ["x {{v}};", "a\nb", /line break/],
    ["# {{v}}", "a\nb;", /line break/],
    ["x {{v}};", "\u0000", /control/],
    ["x {{v}};", "é".repeat(2_001), /longer than/],
    ['x "{{v}}";', '"'.repeat(2_001), /longer than/]
  ])("refuses in %j the value %j", (source, v, message) => {
    assert.match(problem(source, value(v))?.problem ?? "", message)
  })
})
