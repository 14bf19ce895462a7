/** Expressions of templates: paths, literals and the few helpers there are. */
import { TemplateError } from "./TemplateError.ts"
import { lookUp } from "./TemplateScope.ts"
import type { Scope } from "./TemplateScope.ts"
import { isTruthy } from "./TemplateValue.ts"
import type { TemplateValue } from "./TemplateValue.ts"

type Helper = (parameters: ReadonlyArray<TemplateValue>) => TemplateValue
/** Pure and total: what a template can compute beyond naming values. */
const helpers: { readonly [name: string]: Helper } = {
  eq: ([left = null, right = null]) => left === right,
  ne: ([left = null, right = null]) => left !== right,
  and: (parameters) => parameters.every(isTruthy),
  or: (parameters) => parameters.some(isTruthy),
  not: ([value = null]) => !isTruthy(value),
  default: ([value = null, fallback = null]) => (isTruthy(value) ? value : fallback)
}
export const helperNames: ReadonlyArray<string> = Object.keys(helpers)

const pathOf = (expression: hbs.AST.Expression): hbs.AST.PathExpression | null =>
  expression.type === "PathExpression" ? (expression as hbs.AST.PathExpression) : null

/** The name that a block or a mustache calls, when it is one plain word. */
export const callName = (expression: hbs.AST.Node): string | null => {
  const path = pathOf(expression as hbs.AST.Expression)
  const [name] = path?.parts ?? []
  return path !== null && !path.data && path.depth === 0 && path.parts.length === 1 && typeof name === "string"
    ? name
    : null
}

export const evaluateExpression = (template: string, scope: Scope, expression: hbs.AST.Expression): TemplateValue => {
  const fail = (problem: string) => new TemplateError({ template, line: expression.loc?.start.line ?? 1, problem })
  switch (expression.type) {
    case "StringLiteral":
    case "NumberLiteral":
    case "BooleanLiteral":
      return (expression as hbs.AST.StringLiteral | hbs.AST.NumberLiteral | hbs.AST.BooleanLiteral).value
    case "NullLiteral":
    case "UndefinedLiteral":
      return null
    case "PathExpression": {
      const path = expression as hbs.AST.PathExpression
      const value = lookUp(scope, path)
      if (value === undefined) throw fail(`"${path.original}" is not a variable here`)
      return value
    }
    case "SubExpression": {
      const { hash, params, path } = expression as hbs.AST.SubExpression
      return callHelper(template, scope, { path, params, hash, loc: expression.loc })
    }
    default:
      throw fail(`${expression.type} is not allowed`)
  }
}

export interface Call {
  readonly path: hbs.AST.Node
  readonly params: ReadonlyArray<hbs.AST.Expression>
  readonly hash?: hbs.AST.Hash | undefined
  readonly loc: hbs.AST.SourceLocation
}

export const callHelper = (template: string, scope: Scope, call: Call): TemplateValue => {
  const name = callName(call.path)
  const helper = name !== null && Object.hasOwn(helpers, name) ? helpers[name] : undefined
  if (helper === undefined) {
    const problem = `there is no helper "${(call.path as hbs.AST.PathExpression).original}"; there are ${helperNames.join(", ")}`
    throw new TemplateError({ template, line: call.loc?.start.line ?? 1, problem })
  }
  return helper(call.params.map((parameter) => evaluateExpression(template, scope, parameter)))
}
