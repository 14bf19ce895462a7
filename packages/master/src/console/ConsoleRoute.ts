/**
 * Serves the console: its files, and its first page for every address that a person opens, so that links into it work. What a
 * program asks for that is not there stays 404. Without a built console the master serves its API alone, and says so.
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Settings } from "../Settings.ts"
import { chosenEncoding, type ConsoleFile, readConsole } from "./ConsoleFiles.ts"

/**
 * No script but the console's own files, nothing inline, no other host. Styles need 'unsafe-inline': the components and the
 * editor set style attributes and elements while they run.
 */
export const consolePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

const headersOf = ({ etag, isImmutable }: ConsoleFile, encoding: string) => ({
  "cache-control": isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
  "content-security-policy": consolePolicy,
  etag,
  vary: "accept-encoding",
  ...(encoding === "identity" ? {} : { "content-encoding": encoding })
})

const answer = (file: ConsoleFile, request: HttpServerRequest.HttpServerRequest) => {
  const encoding = chosenEncoding(request.headers["accept-encoding"], file.bodies)
  const headers = headersOf(file, encoding)
  if (request.headers["if-none-match"] === file.etag) return HttpServerResponse.empty({ status: 304, headers })
  const body = file.bodies.get(encoding) ?? new Uint8Array()
  return HttpServerResponse.uint8Array(body, { contentType: file.contentType, headers })
}

/** A person's browser that opens an address: not a script of a page that is not there, and nothing under /api. */
const opensPage = (path: string, { headers }: HttpServerRequest.HttpServerRequest): boolean =>
  !path.startsWith("/api/") && !path.startsWith("/assets/") && (headers["accept"] ?? "").includes("text/html")

/** Pure: the file that answers the path; `undefined`: none does. */
export const fileFor = (
  files: ReadonlyMap<string, ConsoleFile>,
  path: string,
  isPage: boolean
): ConsoleFile | undefined => files.get(path) ?? (path === "/" || isPage ? files.get("/index.html") : undefined)

const serve = (files: ReadonlyMap<string, ConsoleFile>) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const path = request.url.split("?", 1)[0] ?? "/"
    const file = fileFor(files, path, opensPage(path, request))
    if (file !== undefined) return answer(file, request)
    return yield* Effect.fail(
      new HttpServerError.HttpServerError({ reason: new HttpServerError.RouteNotFound({ request }) })
    )
  })

export const layerConsole = Layer.unwrap(
  Effect.gen(function* () {
    const { consoleDirectory } = yield* Settings
    if (consoleDirectory === null) return Layer.empty
    const files = yield* readConsole(consoleDirectory).pipe(
      Effect.catch(({ message }) => Effect.as(Effect.logWarning(message), new Map<string, ConsoleFile>())),
      Effect.cached
    )
    return HttpRouter.add("GET", "/*", Effect.flatMap(files, serve))
  })
)
