import { Data } from "effect"

/** What is wrong with a template or with a value in it. `line` counts from 1 in the source of `template`. */
export class TemplateError extends Data.TaggedError("TemplateError")<{
  readonly template: string
  readonly line: number
  readonly problem: string
}> {
  override get message(): string {
    return `template "${this.template}", line ${this.line}: ${this.problem}`
  }
}
