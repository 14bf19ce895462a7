/** Renders with core's renderer, for the nginx that is here and with the addresses that names have now. */
import { Effect, Layer, Ref, Result } from "effect"
import { type ForbiddenDirective, forbiddenIn } from "@nxmesh/core/nginx/Forbidden"
import type { Layout } from "@nxmesh/core/nginx/Layout"
import { hostNames, render } from "@nxmesh/core/nginx/Render"
import type { RenderError } from "@nxmesh/core/nginx/RenderError"
import { NginxFacts } from "../nginx/NginxFacts.ts"
import { Resolver } from "../nginx/Resolver.ts"
import { AddressesInUse } from "./AddressesInUse.ts"
import { RenderFailure, TreeRenderer } from "./TreeRenderer.ts"

const fromRenderError = (error: RenderError): RenderFailure =>
  new RenderFailure({ message: error.message, file: null, line: error.line, resource: error.resource })

/** The master refuses it at the API; the agent runs as root, so it looks for itself. */
const fromForbidden = ({ directive, file, line, reason, resource }: ForbiddenDirective): RenderFailure =>
  new RenderFailure({ message: `"${directive}" is not allowed: ${reason}`, file, line, resource })

/** The renderer of real deployments. */
export const layer = (layout: Layout): Layer.Layer<TreeRenderer, never, AddressesInUse | NginxFacts | Resolver> =>
  Layer.effect(
    TreeRenderer,
    Effect.gen(function* () {
      const facts = yield* NginxFacts
      const inUse = yield* AddressesInUse
      const resolver = yield* Resolver
      return TreeRenderer.of({
        render: Effect.fn("BundleRenderer.render")(function* ({ bundle, directory, deploymentId }) {
          const nginx = yield* Effect.mapError(
            facts.capabilities,
            ({ message }) => new RenderFailure({ message, file: null, line: null, resource: null })
          )
          const addresses = yield* resolver.resolve(hostNames(bundle))
          yield* Ref.set(inUse, addresses)
          const rendered = render({ bundle, nginx, layout, directory, deploymentId, addresses })
          const tree = yield* Effect.fromResult(Result.mapError(rendered, fromRenderError))
          const [forbidden] = forbiddenIn({ files: tree.files }, { logDirectory: layout.logDirectory })
          return forbidden === undefined ? tree : yield* fromForbidden(forbidden)
        })
      })
    })
  )
