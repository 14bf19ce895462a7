/** Where people find this installation: as the settings say, as this master is advertised, or as the caller found it. */
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import { InstallationSettings } from "../settings/InstallationSettings.ts"
import { Settings } from "../Settings.ts"
import { originOf } from "./AdvertisedApi.ts"
import { httpsBehind } from "./OwnMachine.ts"

/** What may stand in a link: a caller can send any Host. */
const plainHost = /^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-fA-F:]+\](:\d{1,5})?$/

export const publicOrigin = Effect.gen(function* () {
  const { advertiseHttp, httpAddress, trustedProxies } = yield* Settings
  const { sign_in } = yield* (yield* InstallationSettings).current
  if (sign_in.public_url !== null) return sign_in.public_url.replace(/\/$/, "")
  if (advertiseHttp !== null) return originOf(advertiseHttp)
  const request = yield* HttpServerRequest.HttpServerRequest
  const host = request.headers["host"]
  if (host === undefined || !plainHost.test(host)) return originOf(httpAddress)
  return `${httpsBehind(trustedProxies)(request) ? "https" : "http"}://${host}`
})
