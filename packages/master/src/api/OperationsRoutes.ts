/** What is outside the API proper: documentation, probes and metrics. Public, and without anything secret. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Effect, Layer } from "effect"
import { HttpEffect, HttpRouter, HttpServerResponse } from "effect/http"
import { HttpApiSwagger } from "effect/http-api"
import { Readiness } from "../observe/Readiness.ts"
import { apiRoutes, type Route } from "./RouteTable.ts"

export const openApiPath = "/api/v1/openapi.json"
export const docsPath = "/api/docs"

/** Every route that the master's HTTP server has. */
export const allRoutes: ReadonlyArray<Route> = [
  ...apiRoutes(NxMeshApi),
  ...["/healthz", "/readyz", "/metrics", openApiPath, docsPath].map((template) => ({ method: "GET", template }))
]

/** The page carries its own scripts and styles and asks nothing of other hosts. */
const docsPolicy =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

/** Alive: the process answers. Whether it can serve is `/readyz`. */
const healthz = HttpServerResponse.text("ok\n")

const readyz = Effect.gen(function* () {
  const checks = yield* (yield* Readiness).checks
  const ready = checks.every(({ problem }) => problem === null)
  return HttpServerResponse.jsonUnsafe(
    {
      status: ready ? "ready" : "not ready",
      checks: checks.map(({ name, problem }) => ({
        name,
        status: problem === null ? "ok" : "failed",
        message: problem
      }))
    },
    { status: ready ? 200 : 503 }
  )
})

const metricsText = Effect.gen(function* () {
  const metrics = yield* Metrics
  return HttpServerResponse.text(yield* metrics.text, { contentType: metrics.contentType })
})

const docs = HttpApiSwagger.layer(NxMeshApi, { path: docsPath }).pipe(
  Layer.provide(
    HttpRouter.middleware((httpEffect) =>
      HttpEffect.appendPreResponseHandler((_request, response) =>
        Effect.succeed(HttpServerResponse.setHeader(response, "content-security-policy", docsPolicy))
      ).pipe(Effect.andThen(httpEffect))
    ).layer
  )
)

export const layerOperationsRoutes = Layer.mergeAll(
  docs,
  HttpRouter.add("GET", "/healthz", healthz),
  HttpRouter.add("GET", "/readyz", readyz),
  HttpRouter.add("GET", "/metrics", metricsText)
)
