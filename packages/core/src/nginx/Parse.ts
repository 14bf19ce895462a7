/**
 * Reads nginx configuration text into its tree of directives, by the rules of nginx's own reader. It knows no
 * directive: whether a name exists and where it may stand is for nginx to say. Blocks in another language
 * (`*_by_lua_block`) are read as nginx without that module would read them.
 *
 * Source: nginx 1.22, `ngx_conf_parse` and `ngx_conf_read_token` in `ngx_conf_file.c`.
 */
import { Result } from "effect"
import { Limits } from "../Limits.ts"

export interface Directive {
  readonly name: string
  readonly args: ReadonlyArray<string>
  /** Of the name, from 1. */
  readonly line: number
  /** `null` for one that ends with `;`. */
  readonly block: ReadonlyArray<Directive> | null
}

export interface SyntaxProblem {
  readonly line: number
  readonly message: string
}

type Token =
  | { readonly kind: "word"; readonly text: string; readonly line: number }
  | { readonly kind: ";" | "{" | "}" | "end"; readonly line: number }
  | { readonly kind: "problem"; readonly line: number; readonly message: string }

const isSpace = (character: string | undefined) =>
  character === " " || character === "\t" || character === "\n" || character === "\r"

const unescape = (text: string): string =>
  text.includes("\\")
    ? text.replace(/\\(["'\\trn])/g, (_, character: string) =>
        character === "t" ? "\t" : character === "r" ? "\r" : character === "n" ? "\n" : character
      )
    : text

class Reader {
  private position = 0
  private line = 1
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  next(): Token {
    this.skipSpaceAndComments()
    const { line } = this
    const character = this.text[this.position]
    if (character === undefined) return { kind: "end", line }
    if (character === ";" || character === "{" || character === "}") {
      this.position++
      return { kind: character, line }
    }
    return character === '"' || character === "'" ? this.quoted(character) : this.bare()
  }

  private skipSpaceAndComments(): void {
    for (;;) {
      const character = this.text[this.position]
      if (character === "\n") this.line++
      if (isSpace(character)) this.position++
      else if (character === "#") {
        const end = this.text.indexOf("\n", this.position)
        this.position = end < 0 ? this.text.length : end
      } else return
    }
  }

  private quoted(quote: string): Token {
    const { line } = this
    const start = ++this.position
    for (; this.position < this.text.length; this.position++) {
      const character = this.text[this.position]
      if (character === "\n") this.line++
      if (character === "\\") {
        if (this.text[++this.position] === "\n") this.line++
        continue
      }
      if (character !== quote) continue
      const text = unescape(this.text.slice(start, this.position++))
      const after = this.text[this.position]
      if (isSpace(after) || after === ";" || after === "{" || after === ")" || after === undefined) {
        return { kind: "word", text, line }
      }
      return { kind: "problem", line: this.line, message: `unexpected "${after}" after a closing quote` }
    }
    return { kind: "problem", line, message: `a quote ${quote} is not closed` }
  }

  private bare(): Token {
    const { line } = this
    const start = this.position
    let variable = false
    for (; this.position < this.text.length; this.position++) {
      const character = this.text[this.position]
      if (character === "{" && variable) continue
      variable = character === "$"
      if (character === "\\") {
        if (this.text[++this.position] === "\n") this.line++
        continue
      }
      if (isSpace(character) || character === ";" || character === "{") break
    }
    return { kind: "word", text: unescape(this.text.slice(start, this.position)), line }
  }
}

interface Open {
  readonly directives: Array<Directive>
  readonly opener: Directive | null
}

export const parseNginx = (text: string): Result.Result<ReadonlyArray<Directive>, SyntaxProblem> => {
  const reader = new Reader(text)
  const root: Array<Directive> = []
  const stack: Array<Open> = [{ directives: root, opener: null }]
  let words: Array<{ readonly text: string; readonly line: number }> = []
  const fail = (line: number, message: string) => Result.fail({ line, message })
  for (;;) {
    const token = reader.next()
    const current = stack.at(-1)
    if (current === undefined) return fail(token.line, 'unexpected "}"')
    const [name, ...args] = words
    switch (token.kind) {
      case "word":
        words.push(token)
        break
      case ";":
      case "{": {
        if (name === undefined) return fail(token.line, `unexpected "${token.kind}"`)
        const directives: Array<Directive> = []
        const block = token.kind === "{" ? directives : null
        const directive = { name: name.text, args: args.map((arg) => arg.text), line: name.line, block }
        current.directives.push(directive)
        words = []
        if (block === null) break
        if (stack.length > Limits.nginx.nestingMax) return fail(token.line, "blocks nest too deeply")
        stack.push({ directives, opener: directive })
        break
      }
      case "}":
        if (name !== undefined) return fail(token.line, `unexpected "}": "${name.text}" has no ";"`)
        if (current.opener === null) return fail(token.line, 'unexpected "}": it closes nothing')
        stack.pop()
        break
      case "end":
        if (name !== undefined) return fail(name.line, `"${name.text}" has no ";" or "{"`)
        if (current.opener !== null)
          return fail(current.opener.line, `the block of "${current.opener.name}" is not closed`)
        return Result.succeed(root)
      case "problem":
        return fail(token.line, token.message)
    }
  }
}

/** Every directive of a tree, those within blocks after their own. */
export function* allDirectives(directives: ReadonlyArray<Directive>): Generator<Directive> {
  for (const directive of directives) {
    yield directive
    if (directive.block !== null) yield* allDirectives(directive.block)
  }
}
