/**
 * Asks nginx for a URL that an operator names (`NXMESH_HEALTH_URL`), as a client would: the proof socket shows that workers
 * run the right configuration, and this that a site of it answers.
 */
import { Clock, Context, Effect, Layer, Ref } from "effect"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { type HttpProbe, probe } from "./Probe.ts"
import { afterResult, initialHealth } from "./ServerHealth.ts"

export interface SiteHealth {
  readonly url: string
  readonly healthy: boolean
  /** Of the last failure. */
  readonly reason: string
  readonly sinceMillis: number
}

/** Pure. The URL was checked when it was read from the settings. */
export const requestOf = (text: string): HttpProbe => {
  const url = new URL(text)
  const tls = url.protocol === "https:"
  const address = url.hostname.replace(/^\[|\]$/g, "")
  return {
    _tag: "Http",
    address,
    port: url.port === "" ? (tls ? 443 : 80) : Number(url.port),
    timeoutMillis: Limits.siteCheckTimeoutMillis,
    path: url.pathname + url.search,
    host: url.host,
    tls: tls ? { serverName: /^[\d.]+$|:/.test(address) ? null : address } : null
  }
}

const thresholds = { healthy: 1, unhealthy: Limits.siteCheckFailuresMax }

export class SiteCheck extends Context.Service<
  SiteCheck,
  {
    /** `null`: no URL is set. */
    readonly latest: Effect.Effect<SiteHealth | null>
  }
>()("@nxmesh/agent/probe/SiteCheck") {
  /** Asks as long as the layer lives. */
  static readonly layer = Layer.effect(
    SiteCheck,
    Effect.gen(function* () {
      const { healthUrl } = yield* Settings
      if (healthUrl === null) return SiteCheck.of({ latest: Effect.succeed(null) })
      const request = requestOf(healthUrl)
      const health = yield* Ref.make(initialHealth(yield* Clock.currentTimeMillis))
      const ask = Effect.gen(function* () {
        const failure = yield* probe(request)
        const now = yield* Clock.currentTimeMillis
        yield* Ref.update(health, (before) => afterResult(before, failure, thresholds, now))
      })
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(ask, Effect.sleep(Limits.siteCheckInterval))))
      return SiteCheck.of({
        latest: Effect.map(Ref.get(health), ({ reason, sinceMillis, state }) => ({
          url: healthUrl,
          healthy: state === "healthy",
          reason,
          sinceMillis
        }))
      })
    })
  )
}
