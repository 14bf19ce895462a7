/** Turns a bundle into the files of a generation directory. The deployer knows no more of rendering than this. */
import { Context, Data, type Effect } from "effect"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { ResourceReference } from "@nxmesh/protocol/model/ResourceKind"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"

export class RenderFailure extends Data.TaggedError("RenderFailure")<{
  readonly message: string
  readonly file: string | null
  readonly line: number | null
  readonly resource: ResourceReference | null
  /** Every resource that cannot be rendered, this one first; absent where there is only this. */
  readonly all?: ReadonlyArray<RenderProblem>
}> {}

export interface RenderProblem {
  readonly message: string
  readonly file: string | null
  readonly line: number | null
  readonly resource: ResourceReference | null
}

export interface RenderRequest {
  readonly bundle: Bundle
  /** What is rendered of the bundle; absent: all of it. Its upstream names are resolved all the same. */
  readonly reduced?: Bundle
  /** Name of the generation's directory. */
  readonly directory: string
  readonly deploymentId: string
}

export interface Rendering {
  readonly files: ReadonlyArray<RenderedFile>
  readonly warnings: ReadonlyArray<string>
}

export class TreeRenderer extends Context.Service<
  TreeRenderer,
  { readonly render: (request: RenderRequest) => Effect.Effect<Rendering, RenderFailure> }
>()("@nxmesh/agent/deploy/TreeRenderer") {}
