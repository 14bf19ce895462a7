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
  if (cause instanceof RangeError) return tooDeeply
  const lines = String(cause instanceof Error ? cause.message : cause)
    .trim()
    .split("\n")
  return `syntax error: ${lines.at(-1) ?? ""}`.slice(0, 400)
}

const lineAt = (source: string, position: number): number => source.slice(0, position).split("\n").length

interface SourceProblem {
  readonly line: number
  readonly problem: string
}

/**
 * Bounds on a source before Handlebars parses it: its parser's time grows faster than the square of the depth of
 * blocks, of `else` chains and of expressions in parentheses. Counting is by the look of the tags and errs upwards.
 */
const depthProblem = (source: string): SourceProblem | null => {
  const open: Array<number> = []
  let depth = 0
  const problemAt = (position: number, problem: string) => ({ line: lineAt(source, position), problem })
  for (const tag of source.matchAll(/\{\{(\{\{)?~?\s*(#|\^(?!\s*~?\}\})|\/|else\b(?!\s*~?\}\})|!)?/g)) {
    const [, raw, kind] = tag
    if (raw !== undefined) return problemAt(tag.index, "raw blocks are not allowed")
    if (kind === "#" || kind === "^") {
      open.push(1)
      depth++
    } else if (kind === "else") {
      open.push((open.pop() ?? 0) + 1)
      depth++
    } else if (kind === "/") depth -= open.pop() ?? 0
    const tooDeep = depth > Limits.nginx.nestingMax || (kind !== "!" && parenthesesDeep(source, tag.index))
    if (tooDeep) return problemAt(tag.index, tooDeeply)
  }
  return null
}
const tooDeeply = `blocks or expressions nest deeper than ${Limits.nginx.nestingMax}`

/** Whether the tag that starts here opens more parentheses, one in another, than are allowed. */
const parenthesesDeep = (source: string, start: number): boolean => {
  let depth = 0
  for (let at = start + 2; at < source.length; at++) {
    const character = source[at]
    if ((character === "}" || character === "{") && source[at + 1] === character) return false
    if (character === "(") depth++
    else if (character === ")") depth--
    if (depth > Limits.nginx.nestingMax) return true
  }
  return false
}

/** The programs directly inside a statement. */
export const programsOf = (node: hbs.AST.Node): ReadonlyArray<hbs.AST.Program> => {
  const programs: Array<hbs.AST.Program> = []
  const block = node as Partial<hbs.AST.BlockStatement>
  if (block.program !== undefined && block.program !== null) programs.push(block.program)
  if (block.inverse !== undefined && block.inverse !== null) programs.push(block.inverse)
  return programs
}

/**
 * Programs by source. Rendering happens at every change and templates hardly ever change; parsing one takes as long as
 * rendering a hundred hosts. Parsing is pure, so what is remembered cannot be stale.
 */
const parsedPrograms = new Map<string, hbs.AST.Program>()

const parsedOnce = (source: string): hbs.AST.Program => {
  const known = parsedPrograms.get(source)
  if (known !== undefined) return known
  const program = Handlebars.parse(source)
  if (parsedPrograms.size >= Limits.nginx.parsedTemplatesMax) {
    const [oldest] = parsedPrograms.keys()
    if (oldest !== undefined) parsedPrograms.delete(oldest)
  }
  parsedPrograms.set(source, program)
  return program
}

export const parseTemplate = (name: string, source: string): Result.Result<TemplateSource, TemplateError> => {
  const tooDeep = depthProblem(source)
  if (tooDeep !== null) return Result.fail(new TemplateError({ template: name, ...tooDeep }))
  try {
    return Result.succeed({ name, program: parsedOnce(source) })
  } catch (cause) {
    return Result.fail(new TemplateError({ template: name, line: lineOf(cause), problem: problemOf(cause) }))
  }
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
