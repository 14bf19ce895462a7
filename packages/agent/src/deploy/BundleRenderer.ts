/** Renders with core's renderer, for the nginx that is here and with the addresses that names have now. */
import { Effect, Layer, Result } from "effect"
import type { Layout } from "@nxmesh/core/nginx/Layout"
import { hostNames, render } from "@nxmesh/core/nginx/Render"
import type { RenderError } from "@nxmesh/core/nginx/RenderError"
import { NginxFacts } from "../nginx/NginxFacts.ts"
import { Resolver } from "../nginx/Resolver.ts"
import { RenderFailure, TreeRenderer } from "./TreeRenderer.ts"

const fromRenderError = (error: RenderError): RenderFailure =>
  new RenderFailure({ message: error.message, file: null, line: error.line, resource: error.resource })

/** The renderer of real deployments. */
export const layer = (layout: Layout): Layer.Layer<TreeRenderer, never, NginxFacts | Resolver> =>
  Layer.effect(
    TreeRenderer,
    Effect.gen(function* () {
      const facts = yield* NginxFacts
      const resolver = yield* Resolver
      return TreeRenderer.of({
        render: Effect.fn("BundleRenderer.render")(function* ({ bundle, directory, deploymentId }) {
          const nginx = yield* Effect.mapError(
            facts.capabilities,
            ({ message }) => new RenderFailure({ message, file: null, line: null, resource: null })
          )
          const addresses = yield* resolver.resolve(hostNames(bundle))
          const rendered = render({ bundle, nginx, layout, directory, deploymentId, addresses })
          return yield* Effect.fromResult(Result.mapError(rendered, fromRenderError))
        })
      })
    })
  )
