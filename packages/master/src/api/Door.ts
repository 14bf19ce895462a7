/**
 * What a request has to pass before anything looks at what it wants: the list of addresses, and how many requests its address may
 * make. Both cost microseconds, so that a flood is cheap to refuse. The lines in the log about refusals are bounded; the metrics
 * count all of them.
 */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Clock, Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { allowedBy } from "../network/AddressSet.ts"
import { boundedLines } from "../network/BoundedLines.ts"
import { RateLimiter } from "../network/RateLimiter.ts"
import { retryAfterSeconds } from "../network/RateLimitHeaders.ts"
import { InstallationSettings } from "../settings/InstallationSettings.ts"
import { fromOwnMachine } from "./OwnMachine.ts"
import { rejection, refusalResponse } from "./Refusal.ts"
import type { RequestRecordShape } from "./RequestRecord.ts"

const probes: ReadonlySet<string> = new Set(["/healthz", "/readyz"])

const notAllowed = (address: string | null): HttpServerResponse.HttpServerResponse =>
  refusalResponse(
    rejection(
      "FORBIDDEN",
      `The address ${address ?? "of this request"} may not use this API: somebody who may can add it to network.api_allowlist in /api/v1/settings`
    ),
    { connection: "close" }
  )

export const tooMany = (seconds: number) =>
  rejection("TOO_MANY_REQUESTS", `There were too many requests of this kind: wait ${seconds} s, then go on more slowly`)

export interface Refused {
  readonly response: HttpServerResponse.HttpServerResponse
  /** False when enough lines of such refusals are in the log. */
  readonly isLogged: boolean
}

export const makeDoor = Effect.gen(function* () {
  const { current } = yield* InstallationSettings
  const { count } = yield* RateLimiter
  const kept = yield* (yield* Metrics).counter({
    name: "nxmesh_master_http_address_refused_total",
    help: "Requests refused because network.api_allowlist does not hold their address."
  })

  let list: ReadonlyArray<string> | null = null
  let isAllowed = allowedBy([])
  const isListed = Effect.fnUntraced(function* (address: string) {
    const { api_allowlist } = (yield* current).network
    if (api_allowlist !== list) isAllowed = allowedBy((list = api_allowlist))
    return isAllowed(address)
  })

  const hasRoom = boundedLines()
  const refuse = (response: HttpServerResponse.HttpServerResponse): Effect.Effect<Refused> =>
    Effect.map(Clock.monotonicTimeNanos, (nanos) => ({ response, isLogged: hasRoom(Number(nanos) / 1e6) }))

  /** `null`: it may go on. `request` has the address of who asks. */
  return Effect.fnUntraced(function* (
    request: HttpServerRequest.HttpServerRequest,
    record: RequestRecordShape,
    template: string
  ) {
    if (fromOwnMachine(request) || probes.has(template)) return null
    const address = record.remoteAddress
    if (address === null || !(yield* isListed(address))) {
      kept.inc()
      return yield* refuse(notAllowed(address))
    }
    if (record.requestClass === null) return null
    const counted = yield* count({ _tag: "Address", address }, record.requestClass)
    if (counted === null) return null
    record.counted.push(counted)
    const seconds = retryAfterSeconds([counted])
    return seconds === null ? null : yield* refuse(refusalResponse(tooMany(seconds)))
  })
})
