/** One attempt to deliver a message: a POST that follows no redirect, on a connection of its own to an address that may be called. */
import { lookup as resolve, type LookupAddress } from "node:dns"
import { request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import { isIP, type LookupFunction } from "node:net"
import { Clock, Duration, Effect } from "effect"
import { Limits } from "../Limits.ts"
import { messageHeaders } from "./WebhookSignature.ts"

const { alerting } = Limits

export interface OutgoingMessage {
  readonly url: string
  readonly id: string
  readonly body: string
  readonly secret: string
}

/** How an attempt ended. `status` is `null` when there was no answer. */
export interface SendResult {
  readonly accepted: boolean
  readonly status: number | null
  /** In one sentence; `null` when it was accepted. */
  readonly problem: string | null
}

export type AddressPolicy = (address: string) => boolean

const forbidden = (host: string, address: string): Error =>
  new Error(
    `${host} is at ${address}, which is no public address: name its network in NXMESH_WEBHOOK_NETWORKS of every master to allow it`
  )

/** Looks at the very addresses that are connected to: a name that means another address a moment later gains nothing. */
const guardedLookup =
  (mayCall: AddressPolicy): LookupFunction =>
  (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses: ReadonlyArray<LookupAddress>) => {
      if (error !== null) return callback(error, [])
      const refused = addresses.find(({ address }) => !mayCall(address))
      if (refused !== undefined) return callback(forbidden(host, refused.address), [])
      const [first] = addresses
      if (first === undefined) return callback(new Error(`${host} has no address`), [])
      return options.all === true ? callback(null, [...addresses]) : callback(null, first.address, first.family)
    })
  }

const answered = (status: number): SendResult => {
  if (status >= 200 && status < 300) return { accepted: true, status, problem: null }
  const problem =
    status >= 300 && status < 400
      ? `answered ${status}: redirects are not followed, so give the webhook the address that it leads to`
      : `answered ${status}`
  return { accepted: false, status, problem }
}

const post = (url: URL, headers: Readonly<Record<string, string>>, body: string, mayCall: AddressPolicy) =>
  Effect.callback<number, Error>((resume) => {
    const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
      method: "POST",
      agent: false,
      headers: { ...headers, "user-agent": "NxMesh", connection: "close" },
      lookup: guardedLookup(mayCall)
    })
    request.on("error", (error) => resume(Effect.fail(error)))
    request.on("response", (response) => {
      // What it says is of no use, and may be endless.
      response.on("error", () => undefined)
      resume(Effect.succeed(response.statusCode ?? 0))
      request.destroy()
    })
    request.end(body)
    return Effect.sync(() => request.destroy())
  })

const plainHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "")

export const sendWebhook = Effect.fn("Alerting.send")(function* (message: OutgoingMessage, mayCall: AddressPolicy) {
  const { body, id, secret, url } = message
  const target = URL.parse(url)
  if (target === null) return { accepted: false, status: null, problem: "its URL cannot be read" }
  const host = plainHost(target)
  if (isIP(host) !== 0 && !mayCall(host)) {
    return { accepted: false, status: null, problem: forbidden(host, host).message }
  }
  const atSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
  return yield* post(target, messageHeaders(secret, id, atSeconds, body), body, mayCall).pipe(
    Effect.map(answered),
    Effect.timeoutOrElse({
      duration: alerting.deliveryTimeout,
      orElse: () => Effect.fail(new Error(`did not answer within ${Duration.toSeconds(alerting.deliveryTimeout)} s`))
    }),
    Effect.catch((error): Effect.Effect<SendResult> =>
      Effect.succeed({ accepted: false, status: null, problem: error.message.slice(0, alerting.errorCharactersMax) })
    )
  )
})
