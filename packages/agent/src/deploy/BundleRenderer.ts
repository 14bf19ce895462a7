/**
 * Renders with core's renderer, for the nginx that is here and with the addresses that names have now. The text is made
 * for a directory of one made-up name, and the real one put in its place: so text from before can be used again.
 */
import { Effect, Layer, Redacted, Result } from "effect"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { type ForbiddenDirective, forbiddenIn } from "@nxmesh/core/nginx/Forbidden"
import type { Layout } from "@nxmesh/core/nginx/Layout"
import { hostNames, render, type RenderedFile } from "@nxmesh/core/nginx/Render"
import type { RenderError } from "@nxmesh/core/nginx/RenderError"
import { AccessLogChoice } from "../nginx/AccessLogPlace.ts"
import { NginxFacts } from "../nginx/NginxFacts.ts"
import { Resolver } from "../nginx/Resolver.ts"
import { RenderInputs } from "./RenderInputs.ts"
import { RenderMemory } from "./RenderMemory.ts"
import { RenderFailure, TreeRenderer } from "./TreeRenderer.ts"

const fromRenderError = (error: RenderError): RenderFailure =>
  new RenderFailure({ message: error.message, file: null, line: error.line, resource: error.resource })

/** The master refuses it at the API; the agent runs as root, so it looks for itself. */
const fromForbidden = ({ directive, file, line, reason, resource }: ForbiddenDirective): RenderFailure =>
  new RenderFailure({ message: `"${directive}" is not allowed: ${reason}`, file, line, resource })

/** A name that no tenant can guess: in a tenant's text it would be replaced too. */
const makePlaceholder = Effect.gen(function* () {
  const { token } = yield* Identifiers
  return `placeholder-${Redacted.value(yield* token(16))}`
})

/** The files for the directory that they will lie in. One that does not name it stays the same object. */
export const settledIn = (
  files: ReadonlyArray<RenderedFile>,
  placeholder: string,
  directory: string
): ReadonlyArray<RenderedFile> =>
  files.map((file) =>
    file.content.includes(placeholder)
      ? { ...file, content: file.content.replaceAll(placeholder, () => directory) }
      : file
  )

/** The renderer of real deployments. */
export const layer = (
  layout: Layout
): Layer.Layer<TreeRenderer, never, Identifiers | NginxFacts | RenderInputs | Resolver> =>
  Layer.effect(
    TreeRenderer,
    Effect.gen(function* () {
      const facts = yield* NginxFacts
      const inputs = yield* RenderInputs
      const accessLog = yield* AccessLogChoice
      const resolver = yield* Resolver
      const placeholder = yield* makePlaceholder
      const memory = new RenderMemory()
      return TreeRenderer.of({
        render: Effect.fn("BundleRenderer.render")(function* ({ bundle, directory, deploymentId }) {
          const nginx = yield* Effect.mapError(
            facts.capabilities,
            ({ message }) => new RenderFailure({ message, file: null, line: null, resource: null })
          )
          const addresses = yield* resolver.resolve(hostNames(bundle))
          const down = yield* inputs.down
          yield* inputs.rendered(directory, { addresses, down })
          const input = { bundle, nginx, layout: { ...layout, accessLog: yield* accessLog }, directory: placeholder, deploymentId, addresses, down }
          const rendered = render(input, memory.hostRenderer(bundle))
          const { files, warnings } = yield* Effect.fromResult(Result.mapError(rendered, fromRenderError))
          const [forbidden] = forbiddenIn({ files }, { logDirectory: layout.logDirectory }, memory.fileCheck())
          if (forbidden !== undefined) return yield* fromForbidden(forbidden)
          return { files: settledIn(files, placeholder, directory), warnings }
        })
      })
    })
  )
