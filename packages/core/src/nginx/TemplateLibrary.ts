/** The templates of one bundle, each parsed once. */
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Result } from "effect"
import type { LexicalState } from "./Lexing.ts"
import { TemplateError } from "./TemplateError.ts"
import { evaluateTemplate } from "./TemplateEvaluation.ts"
import { TemplateOutput } from "./TemplateOutput.ts"
import { parseTemplate } from "./TemplateSource.ts"
import type { TemplateSource } from "./TemplateSource.ts"
import type { TemplateRecord } from "./TemplateValue.ts"

/** Where sources come from: a template of the workspace, or else the built-in one of that name. */
export interface TemplateSources {
  readonly templateSource: (workspaceId: VirtualHost["workspace_id"], name: string) => string | null
}

type Parsed = Result.Result<TemplateSource | null, TemplateError>

export class TemplateLibrary {
  private readonly sources: TemplateSources
  private readonly parsed = new Map<string, Parsed>()
  private readonly transitions = new Map<string, Map<LexicalState, LexicalState>>()

  constructor(sources: TemplateSources) {
    this.sources = sources
  }

  render(
    workspaceId: VirtualHost["workspace_id"],
    name: string,
    context: TemplateRecord
  ): Result.Result<string, TemplateError> {
    const template = this.find(workspaceId, name)
    if (Result.isFailure(template)) return Result.fail(template.failure)
    if (template.success === null) {
      return Result.fail(new TemplateError({ template: name, line: 1, problem: "is not in the bundle" }))
    }
    const findPartial = (partial: string) => this.find(workspaceId, partial)
    return evaluateTemplate(template.success, context, findPartial, new TemplateOutput(this.transitions))
  }

  private find(workspaceId: VirtualHost["workspace_id"], name: string): Parsed {
    const key = `${workspaceId} ${name}`
    const known = this.parsed.get(key)
    if (known !== undefined) return known
    const source = this.sources.templateSource(workspaceId, name)
    const parsed: Parsed = source === null ? Result.succeed(null) : parseTemplate(name, source)
    this.parsed.set(key, parsed)
    return parsed
  }
}
