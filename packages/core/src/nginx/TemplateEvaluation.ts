/**
 * Evaluates parsed Handlebars. Handlebars' own compiler makes JavaScript of a template and runs it; a template here
 * comes from a tenant and its values become nginx configuration, so the tree is walked instead: every step, level and
 * character is counted, names are looked up among own fields only, and every value is written for its place.
 *
 * The language is Handlebars with `if`, `unless`, `each`, `with`, partials by name, inline partials, partial blocks and
 * the helpers of `TemplateExpression`; raw output (`{{{x}}}`), raw blocks, dynamic partials and decorators are refused.
 */
import { Result } from "effect"
import { Limits } from "../Limits.ts"
import { TemplateError } from "./TemplateError.ts"
import { callHelper, callName, evaluateExpression } from "./TemplateExpression.ts"
import { TemplateOutput } from "./TemplateOutput.ts"
import { innerScope, rootScope } from "./TemplateScope.ts"
import type { Scope } from "./TemplateScope.ts"
import type { TemplateSource } from "./TemplateSource.ts"
import { isList, isRecord, isTruthy } from "./TemplateValue.ts"
import type { TemplateRecord, TemplateValue } from "./TemplateValue.ts"

/** A partial by name. Fails with the problem of a template that does not parse; `null` when there is none. */
export type FindPartial = (name: string) => Result.Result<TemplateSource | null, TemplateError>

interface Program {
  readonly template: string
  readonly program: hbs.AST.Program
  readonly frame: Frame
}
/** Inline partials in sight, and the block that a partial was called with. */
interface Frame {
  readonly inline: ReadonlyMap<string, Program>
  readonly block: Program | null
  readonly depth: number
}

class Evaluation {
  private steps = 0
  private readonly output: TemplateOutput
  private readonly findPartial: FindPartial

  constructor(output: TemplateOutput, findPartial: FindPartial) {
    this.output = output
    this.findPartial = findPartial
  }

  run({ frame, program, template }: Program, scope: Scope): void {
    const inner = this.withInlinePartials(template, program, frame)
    for (const node of program.body) {
      this.steps++
      if (this.steps > Limits.nginx.templateStepsMax) {
        throw problemAt(template, node, `takes more than ${Limits.nginx.templateStepsMax} steps`)
      }
      this.statement(template, node, scope, inner)
    }
  }

  private statement(template: string, node: hbs.AST.Statement, scope: Scope, frame: Frame): void {
    switch (node.type) {
      case "ContentStatement": {
        const problem = this.output.content((node as hbs.AST.ContentStatement).value)
        if (problem !== null) throw problemAt(template, node, problem)
        return
      }
      case "MustacheStatement":
        return this.mustache(template, node as hbs.AST.MustacheStatement, scope)
      case "BlockStatement":
        return this.block(template, node as hbs.AST.BlockStatement, scope, frame)
      case "PartialStatement":
      case "PartialBlockStatement":
        return this.partial(template, node as hbs.AST.PartialBlockStatement, scope, frame)
      case "CommentStatement":
      case "DecoratorBlock": // inline partials, collected before
        return
      default:
        throw problemAt(template, node, `${node.type} is not allowed`)
    }
  }

  private mustache(template: string, node: hbs.AST.MustacheStatement, scope: Scope): void {
    if (!node.escaped) throw problemAt(template, node, "raw output is not allowed: use two braces")
    const isCall = node.params.length > 0 || (node.hash?.pairs.length ?? 0) > 0
    const value = isCall ? callHelper(template, scope, node) : evaluateExpression(template, scope, node.path)
    const problem = this.output.value(value)
    if (problem === null) return
    const shown = node.path.type === "PathExpression" ? (node.path as hbs.AST.PathExpression).original : "value"
    throw problemAt(template, node, `"${shown}" ${problem}`)
  }

  private block(template: string, node: hbs.AST.BlockStatement, scope: Scope, frame: Frame): void {
    const name = callName(node.path)
    const [parameter] = node.params
    if (parameter === undefined || node.params.length > 1) {
      throw problemAt(template, node, `"${node.path.original}" takes one value`)
    }
    const value = evaluateExpression(template, scope, parameter)
    const choose = (holds: boolean) => {
      const program = holds ? node.program : node.inverse
      return program === undefined || program === null ? null : { template, program, frame }
    }
    switch (name) {
      case "if":
      case "unless": {
        const chosen = choose(isTruthy(value) === (name === "if"))
        if (chosen !== null) this.run(chosen, scope)
        return
      }
      case "with": {
        const chosen = choose(isTruthy(value))
        const inner = isTruthy(value) ? innerScope(scope, value, {}, named(node.program.blockParams, [value])) : scope
        if (chosen !== null) this.run(chosen, inner)
        return
      }
      case "each":
        return this.each({ template, program: node.program, frame }, choose(false), scope, value)
      default:
        throw problemAt(
          template,
          node,
          `there is no block "${node.path.original}"; there are if, unless, each and with`
        )
    }
  }

  private each(body: Program, otherwise: Program | null, scope: Scope, value: TemplateValue): void {
    const entries: ReadonlyArray<readonly [string | number, TemplateValue]> = isList(value)
      ? Array.from(value.entries())
      : isRecord(value)
        ? Object.entries(value)
        : []
    if (entries.length === 0 && otherwise !== null) return this.run(otherwise, scope)
    for (const [index, [key, item]] of entries.entries()) {
      const data = { index, key, first: index === 0, last: index === entries.length - 1 }
      this.run(body, innerScope(scope, item, data, named(body.program.blockParams, [item, key])))
    }
  }

  private partial(
    template: string,
    node: hbs.AST.PartialStatement | hbs.AST.PartialBlockStatement,
    scope: Scope,
    frame: Frame
  ): void {
    if (node.name.type !== "PathExpression") throw problemAt(template, node, "a partial is called by its name alone")
    const name = (node.name as hbs.AST.PathExpression).original
    if (frame.depth >= Limits.nginx.partialDepthMax) {
      throw problemAt(template, node, `partial "${name}": partials nest deeper than ${Limits.nginx.partialDepthMax}`)
    }
    const block =
      "program" in node ? { template, program: node.program, frame: { ...frame, depth: frame.depth + 1 } } : null
    const called = this.resolvePartial(template, node, name, frame) ?? block
    if (called === null) throw problemAt(template, node, `there is no partial "${name}"`)
    const inner: Frame = { inline: called.frame.inline, block: block ?? called.frame.block, depth: frame.depth + 1 }
    this.run({ ...called, frame: inner }, this.partialScope(template, node, scope))
  }

  private resolvePartial(template: string, node: hbs.AST.Node, name: string, frame: Frame): Program | null {
    if (name === "@partial-block") return frame.block
    const inline = frame.inline.get(name)
    if (inline !== undefined) return inline
    const found = this.findPartial(name)
    if (Result.isFailure(found)) {
      throw problemAt(template, node, `partial "${name}", line ${found.failure.line}: ${found.failure.problem}`)
    }
    if (found.success === null) return null
    return { template: name, program: found.success.program, frame: { ...frame, block: null } }
  }

  private partialScope(template: string, node: Pick<hbs.AST.PartialStatement, "params" | "hash">, scope: Scope): Scope {
    const [context] = node.params
    const value = context === undefined ? scope.context : evaluateExpression(template, scope, context)
    const pairs = node.hash?.pairs ?? []
    if (context === undefined && pairs.length === 0) return scope
    const own = isRecord(value) ? value : {}
    const extra = pairs.map((pair): [string, TemplateValue] => [
      pair.key,
      evaluateExpression(template, scope, pair.value)
    ])
    return innerScope(scope, pairs.length === 0 ? value : { ...own, ...Object.fromEntries(extra) }, {}, {})
  }

  private withInlinePartials(template: string, program: hbs.AST.Program, frame: Frame): Frame {
    const decorators = program.body.filter((node) => node.type === "DecoratorBlock")
    if (decorators.length === 0) return frame
    const inline = new Map(frame.inline)
    const inner: Frame = { ...frame, inline }
    for (const node of decorators) {
      const { params, path, program: body } = node as hbs.AST.DecoratorBlock
      const [name] = params
      if (callName(path) !== "inline" || name?.type !== "StringLiteral") {
        throw problemAt(template, node, 'the only decorator is {{#*inline "name"}}')
      }
      inline.set((name as hbs.AST.StringLiteral).value, { template, program: body, frame: inner })
    }
    return inner
  }
}

const problemAt = (template: string, node: hbs.AST.Node, problem: string): TemplateError =>
  new TemplateError({ template, line: node.loc?.start.line ?? 1, problem })

const named = (names: ReadonlyArray<string> | undefined, values: ReadonlyArray<TemplateValue>): TemplateRecord =>
  Object.fromEntries((names ?? []).map((name, index) => [name, values[index] ?? null]))

/** The text that a template makes of a context. */
export const evaluateTemplate = (
  source: TemplateSource,
  context: TemplateRecord,
  findPartial: FindPartial,
  output: TemplateOutput = new TemplateOutput()
): Result.Result<string, TemplateError> => {
  const frame: Frame = { inline: new Map(), block: null, depth: 0 }
  try {
    new Evaluation(output, findPartial).run(
      { template: source.name, program: source.program, frame },
      rootScope(context)
    )
    return Result.succeed(output.text)
  } catch (cause) {
    if (cause instanceof TemplateError) return Result.fail(cause)
    if (!(cause instanceof RangeError)) throw cause
    return Result.fail(new TemplateError({ template: source.name, line: 1, problem: "nests too deeply" }))
  }
}
