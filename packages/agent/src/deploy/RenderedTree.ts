/** What the renderer makes and the agent writes: the files of one generation directory. */
import type { ResourceReference } from "@nxmesh/protocol/model/ResourceKind"

export interface RenderedFile {
  /** Relative to the generation directory. */
  readonly path: string
  readonly content: string
  readonly mode: 0o644 | 0o600
  readonly resource: ResourceReference | null
}

export interface RenderedTree {
  readonly files: ReadonlyArray<RenderedFile>
}
