/** Templates as Handlebars parses them. Handlebars' grammar is used and its compiler is not: see TemplateEvaluation. */
import { Result } from "effect"
import Handlebars from "handlebars"
import { Limits } from "../Limits.ts"
import { TemplateError } from "./TemplateError.ts"

export interface TemplateSource {
  readonly name: string
  readonly program: hbs.AST.Program
}

const lineOf = (cause: unknown): number => {
  if (typeof cause !== "object" || cause === null) return 1
  if ("lineNumber" in cause && typeof cause.lineNumber === "number") return cause.lineNumber
  const named = "message" in cause ? /^Parse error on line (\d+)/.exec(String(cause.message))?.[1] : undefined
  return named === undefined ? 1 : Number(named)
}

/** Handlebars' messages draw the source over several lines; the last line is the one that says what was expected. */
const problemOf = (cause: unknown): string => {
  if (cause instanceof RangeError) return `blocks nest deeper than ${Limits.nginx.nestingMax}`
  const lines = String(cause instanceof Error ? cause.message : cause)
    .trim()
    .split("\n")
  return `syntax error: ${lines.at(-1) ?? ""}`.slice(0, 400)
}

const nestingOf = (program: hbs.AST.Program): number => {
  let deepest = 0
  const pending: Array<{ readonly program: hbs.AST.Program; readonly depth: number }> = [{ program, depth: 1 }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { depth } = next
    deepest = Math.max(deepest, depth)
    for (const node of next.program.body) {
      for (const inner of programsOf(node)) pending.push({ program: inner, depth: depth + 1 })
    }
  }
  return deepest
}

/** The programs directly inside a statement. */
export const programsOf = (node: hbs.AST.Node): ReadonlyArray<hbs.AST.Program> => {
  const programs: Array<hbs.AST.Program> = []
  const block = node as Partial<hbs.AST.BlockStatement>
  if (block.program !== undefined && block.program !== null) programs.push(block.program)
  if (block.inverse !== undefined && block.inverse !== null) programs.push(block.inverse)
  return programs
}

export const parseTemplate = (name: string, source: string): Result.Result<TemplateSource, TemplateError> => {
  let program: hbs.AST.Program
  try {
    program = Handlebars.parse(source)
  } catch (cause) {
    return Result.fail(new TemplateError({ template: name, line: lineOf(cause), problem: problemOf(cause) }))
  }
  if (nestingOf(program) > Limits.nginx.nestingMax) {
    const problem = `blocks nest deeper than ${Limits.nginx.nestingMax}`
    return Result.fail(new TemplateError({ template: name, line: 1, problem }))
  }
  return Result.succeed({ name, program })
}

/** The partials that a template names and does not define itself, so that they can travel with it. */
export const partialNames = (source: TemplateSource): ReadonlyArray<string> => {
  const used = new Set<string>()
  const inline = new Set<string>()
  const pending = [source.program]
  for (let program = pending.pop(); program !== undefined; program = pending.pop()) {
    for (const node of program.body) {
      pending.push(...programsOf(node))
      if (node.type === "PartialStatement" || node.type === "PartialBlockStatement") {
        const { name } = node as hbs.AST.PartialStatement
        if (name.type === "PathExpression") used.add((name as hbs.AST.PathExpression).original)
      }
      if (node.type === "DecoratorBlock") {
        const first = (node as hbs.AST.DecoratorBlock).params[0]
        if (first?.type === "StringLiteral") inline.add((first as hbs.AST.StringLiteral).value)
      }
    }
  }
  return Array.from(used)
    .filter((name) => name !== "@partial-block" && !inline.has(name))
    .sort()
}
