/** A template's output as it grows, with its place in nginx's grammar: every value is written in the form its place needs. */
import { Limits } from "../Limits.ts"
import { argument, escapeDouble, escapeSingle, fitsInBuffer, hasControlCharacter, isBare } from "./Argument.ts"
import { advance, statementStart } from "./Lexing.ts"
import type { LexicalState } from "./Lexing.ts"
import { RawDirectives, Words } from "./TemplateValue.ts"
import type { TemplateValue } from "./TemplateValue.ts"

/** `problem` is `null` when the value was written. */
type Written = string | null

export class TemplateOutput {
  private readonly chunks: Array<string> = []
  private characters = 0
  private state: LexicalState = statementStart
  /** Templates' own text comes again and again in loops; its effect on the state is remembered. */
  private readonly seen: Map<string, Map<LexicalState, LexicalState>>

  constructor(seen: Map<string, Map<LexicalState, LexicalState>> = new Map()) {
    this.seen = seen
  }

  get text(): string {
    return this.chunks.join("")
  }

  /** Text of the template's author. */
  content(text: string): Written {
    if (this.state.place === "closed" && !/^[\s;{)]/.test(text) && text !== "") {
      return "text follows a value that needed quotes: put the whole argument in double quotes"
    }
    let transitions = this.seen.get(text)
    if (transitions === undefined) {
      transitions = new Map()
      this.seen.set(text, transitions)
    }
    let next = transitions.get(this.state)
    if (next === undefined) {
      next = advance(this.state, text)
      transitions.set(this.state, next)
    }
    return this.append(text, next)
  }

  /** A value of a resource. Never ends the argument, the directive or the block it stands in. */
  value(value: TemplateValue): Written {
    if (value instanceof RawDirectives) return this.raw(value)
    if (value instanceof Words) return this.words(value)
    if (value === null) return "has no value here: guard it with {{#if}}"
    if (typeof value === "object") return "is not a text: use {{#each}} or name one of its fields"
    return this.argument(String(value))
  }

  private argument(text: string): Written {
    if (hasControlCharacter(text)) return "holds a control character or a line break"
    const { name, place } = this.state
    if (place === "comment") return this.append(text, this.state)
    if (name) return "stands where a directive's name begins; a value can only be an argument"
    if (this.state.pending !== "none") return "follows a backslash or a $ that would change its meaning"
    switch (place) {
      case "gap":
        return this.write(argument(text))
      case "double":
        return this.write(escapeDouble(text))
      case "single":
        return this.write(escapeSingle(text))
      case "bare":
        return isBare(text) || text === ""
          ? this.write(text)
          : "holds characters that need quotes: put the whole argument in double quotes"
      default:
        return "follows a closing quote"
    }
  }

  private write(written: string): Written {
    return fitsInBuffer(written) ? this.append(written, advance(this.state, written)) : tooLong
  }

  private words({ words }: Words): Written {
    const [only] = words
    if (only === undefined) return "has no value here: guard it with {{#if}}"
    if (words.length === 1) return this.argument(only)
    if (this.state.place !== "gap" && this.state.place !== "comment") {
      return "is several arguments and cannot be a part of one"
    }
    for (const [index, word] of words.entries()) {
      const problem = (index === 0 ? null : this.content(" ")) ?? this.argument(word)
      if (problem !== null) return problem
    }
    return null
  }

  private raw({ text }: RawDirectives): Written {
    if (this.state.place !== "statement") return "is made of directives: it can only stand where a directive may begin"
    return this.append(`${text}\n`, statementStart)
  }

  private append(text: string, next: LexicalState): Written {
    this.characters += text.length
    if (this.characters > Limits.nginx.templateOutputCharactersMax) {
      return `makes more than ${Limits.nginx.templateOutputCharactersMax} characters of output`
    }
    this.chunks.push(text)
    this.state = next
    return null
  }
}

const tooLong = `is longer than the ${Limits.nginx.argumentBytesMax} bytes that nginx reads for one argument`
