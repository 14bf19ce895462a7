import type { ResourceReference } from "@nxmesh/protocol/model/ResourceKind"
import { Data } from "effect"

/** A bundle that cannot become a tree. `resource` is the one to change, `field` what in it. */
export class RenderError extends Data.TaggedError("RenderError")<{
  readonly resource: ResourceReference | null
  readonly field: string | null
  /** Line in the field's own text (a template or a snippet), when there is one. */
  readonly line: number | null
  readonly problem: string
}> {
  override get message(): string {
    const where = this.resource === null ? "" : `${this.resource.kind} "${this.resource.name}": `
    return `${where}${this.field === null ? "" : `${this.field} `}${this.problem}`
  }
}
