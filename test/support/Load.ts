/**
 * Clients that count what they see while nginx reloads. Three kinds, because nginx promises each something else:
 * a new connection per request, a long request in flight, and a reused connection whose owner retries once when it
 * closes before any byte of the answer. The third also counts the raw resets, which are nginx's own.
 */
import { Deferred, Effect } from "effect"
import { Agent, get } from "node:http"

export interface Counts {
  readonly requests: number
  /** Failures a client would see, after its one retry where it retries. */
  readonly failures: number
  /** Reused connections that were closed under a request before any byte of the answer. */
  readonly resets: number
  /** What the failures were, and how often. */
  readonly reasons: Readonly<Record<string, number>>
}

type Attempt = "answered" | "reset" | { readonly failed: string }

/** Between two requests of one client. Without it, a minute of fresh connections runs out of local ports. */
const pauseMillis = 5

interface Target {
  readonly port: number
  readonly host: string
  readonly path: string
}

const attempt = (target: Target, agent: Agent): Effect.Effect<Attempt> =>
  Effect.callback((resume) => {
    let started = false
    const request = get(
      {
        host: "127.0.0.1",
        port: target.port,
        path: target.path,
        headers: { host: target.host },
        agent,
        timeout: 10_000
      },
      (response) => {
        started = true
        response.on("data", () => undefined)
        response.on("end", () =>
          resume(Effect.succeed(response.statusCode === 200 ? "answered" : { failed: `status ${response.statusCode}` }))
        )
        response.on("error", (error) => resume(Effect.succeed({ failed: `cut off: ${error.message}` })))
      }
    )
    request.on("timeout", () => request.destroy(new Error("timeout")))
    request.on("error", (error) =>
      resume(Effect.succeed(!started && request.reusedSocket ? "reset" : { failed: error.message }))
    )
  })

/** `clients` loops run until `stop`; each ends after the request it is in. */
const load = (
  target: Target,
  clients: number,
  makeAgent: () => Agent,
  retriesOnReset: boolean,
  stop: Deferred.Deferred<void>
): Effect.Effect<Counts> =>
  Effect.gen(function* () {
    const reasons: Record<string, number> = {}
    const counts = { requests: 0, failures: 0, resets: 0, reasons }
    const client = Effect.gen(function* () {
      const agent = makeAgent()
      while (!Deferred.isDoneUnsafe(stop)) {
        counts.requests += 1
        let seen = yield* attempt(target, agent)
        if (seen === "reset") {
          counts.resets += 1
          if (retriesOnReset) seen = yield* attempt(target, agent)
        }
        if (seen !== "answered") {
          const reason = seen === "reset" ? "reset twice" : seen.failed
          counts.failures += 1
          reasons[reason] = (reasons[reason] ?? 0) + 1
        }
        yield* Effect.sleep(pauseMillis)
      }
      agent.destroy()
    })
    yield* Effect.all(
      Array.from({ length: clients }, () => client),
      { concurrency: "unbounded", discard: true }
    )
    return counts
  })

/** A fresh connection for every request. */
export const newConnections = (target: Target, clients: number, stop: Deferred.Deferred<void>) =>
  load(target, clients, () => new Agent({ keepAlive: false }), false, stop)

/** Keeps its connection, and retries once when nginx closes it before an answer. */
export const reusedConnections = (target: Target, clients: number, stop: Deferred.Deferred<void>) =>
  load(target, clients, () => new Agent({ keepAlive: true, maxSockets: 1 }), true, stop)

/** Requests that are in flight across several reloads: each takes `delayMillis` at the backend. */
export const inFlight = (target: Target, delayMillis: number, clients: number, stop: Deferred.Deferred<void>) =>
  load(
    { ...target, path: `${target.path}?delay=${delayMillis}` },
    clients,
    () => new Agent({ keepAlive: false }),
    false,
    stop
  )
