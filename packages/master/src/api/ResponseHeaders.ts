/** Headers that a handler adds to its answer, whatever form the answer takes. */
import { Effect } from "effect"
import { HttpEffect, HttpServerResponse } from "effect/http"

export const answerHeaders = (headers: Readonly<Record<string, string>>) =>
  HttpEffect.appendPreResponseHandler((_request, response) =>
    Effect.succeed(HttpServerResponse.setHeaders(response, headers))
  )

/** The log's index that the answer reflects: a later read with at least this index sees what was written. */
export const indexHeader = (index: number): Readonly<Record<string, string>> => ({ "x-nxmesh-index": String(index) })
