/**
 * Renders with core's renderer, for the nginx that is here and with the addresses that names have now. The text is made
 * for a directory of one made-up name, and the real one put in its place: so text from before can be used again.
 */
import { Effect, Layer, Redacted, Result } from "effect"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { type ForbiddenDirective, forbiddenIn } from "@nxmesh/core/nginx/Forbidden"
import type { Layout } from "@nxmesh/core/nginx/Layout"
import { hostNames, render, type RenderedFile, type RenderInput } from "@nxmesh/core/nginx/Render"
import type { RenderError } from "@nxmesh/core/nginx/RenderError"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import { AccessLogChoice } from "../nginx/AccessLogPlace.ts"
import { NginxFacts } from "../nginx/NginxFacts.ts"
import { Resolver } from "../nginx/Resolver.ts"
import { RenderInputs } from "./RenderInputs.ts"
import { RenderMemory } from "./RenderMemory.ts"
import { keyOf } from "./Quarantine.ts"
import { RenderFailure, type RenderProblem, TreeRenderer } from "./TreeRenderer.ts"

const fromRenderError = (error: RenderError): RenderProblem => ({
  message: error.message,
  file: null,
  line: error.line,
  resource: error.resource
})

/** The master refuses it at the API; the agent runs as root, so it looks for itself. */
const fromForbidden = ({ directive, file, line, reason, resource }: ForbiddenDirective): RenderProblem => ({
  message: `"${directive}" is not allowed: ${reason}`,
  file,
  line,
  resource
})

/** Renders what can be rendered, and names every resource that cannot. */
const renderAll = (input: RenderInput, memory: RenderMemory) => {
  const problems: Array<RenderProblem> = []
  let { resources } = input.bundle
  for (;;) {
    const bundle = { ...input.bundle, resources }
    const rendered = render({ ...input, bundle }, memory.hostRenderer(bundle))
    if (Result.isSuccess(rendered)) return { tree: rendered.success, problems }
    const { resource } = rendered.failure
    problems.push(fromRenderError(rendered.failure))
    const others = resource === null ? resources : resources.filter(({ key }) => key !== keyOf(resource))
    if (others.length === resources.length || problems.length > WireLimits.quarantinedMax) {
      return { tree: { files: [], warnings: [] }, problems }
    }
    resources = others
  }
}

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
        render: Effect.fn("BundleRenderer.render")(function* ({ bundle, reduced, directory, deploymentId }) {
          const nginx = yield* Effect.mapError(
            facts.capabilities,
            ({ message }) => new RenderFailure({ message, file: null, line: null, resource: null })
          )
          const addresses = yield* resolver.resolve(hostNames(bundle))
          const down = yield* inputs.down
          yield* inputs.rendered(directory, { addresses, down })
          const input = {
            bundle: reduced ?? bundle,
            nginx,
            layout: { ...layout, accessLog: yield* accessLog },
            directory: placeholder,
            deploymentId,
            addresses,
            down
          }
          const { problems, tree } = renderAll(input, memory)
          const forbidden = forbiddenIn(tree, { logDirectory: layout.logDirectory }, memory.fileCheck())
          const all = [...problems, ...forbidden.map(fromForbidden)]
          const [first] = all
          if (first !== undefined) return yield* new RenderFailure({ ...first, all })
          return { files: settledIn(tree.files, placeholder, directory), warnings: tree.warnings }
        })
      })
    })
  )
