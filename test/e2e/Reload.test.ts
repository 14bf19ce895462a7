import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Scope } from "effect"
import { WebSocket } from "ws"
import { backend } from "../support/Backend.ts"
import { type FleetAgent, fleetOfOne } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { type Counts, inFlight, newConnections, reusedConnections } from "../support/Load.ts"
import { masterOf, replaced, workers } from "../support/NginxWorkers.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

const host = "site.example"
const reloads = 20

interface Seen {
  readonly fresh: Counts
  readonly reused: Counts
  readonly long: Counts
}

/** Runs `change` twenty times under three kinds of load, and answers what the clients saw. */
const underLoad = (port: number, change: (round: number) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const stop = yield* Deferred.make<void>()
    const target = { port, host, path: "/" }
    const clients = yield* Effect.forkChild(
      Effect.all(
        {
          fresh: newConnections(target, 4, stop),
          reused: reusedConnections(target, 8, stop),
          long: inFlight(target, 400, 8, stop)
        },
        { concurrency: "unbounded" }
      )
    )
    for (let round = 0; round < reloads; round++) yield* change(round)
    yield* Deferred.succeed(stop, undefined)
    const seen: Seen = yield* Fiber.join(clients)
    return seen
  })

/** A WebSocket through nginx; `echo` proves that it is still the same connection. */
const heldOpen = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<WebSocket, Error>((resume) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host } })
      socket.once("open", () => resume(Effect.succeed(socket)))
      socket.once("error", (error) => resume(Effect.fail(error)))
    }),
    (socket) => Effect.sync(() => socket.terminate())
  ).pipe(Effect.orDie)

const echo = (socket: WebSocket, text: string) =>
  Effect.callback<string, Error>((resume) => {
    socket.once("message", (data) => resume(Effect.succeed(String(data))))
    socket.once("close", () => resume(Effect.fail(new Error("the WebSocket was closed"))))
    socket.send(text)
  }).pipe(Effect.orDie)

const bareReload = (agent: FleetAgent): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const master = masterOf(agent.pidFile)
    const before = new Set(workers(master).map(({ pid }) => pid))
    process.kill(master, "SIGHUP")
    yield* replaced(master, before)
  })

const line = (name: string, { fresh, long, reused }: Seen) =>
  `${name}: new connections ${fresh.requests} (${fresh.failures} failed), in flight ${long.requests} (${long.failures} failed), ` +
  `reused ${reused.requests} (${reused.failures} failed after one retry, ${reused.resets} raw resets)`

describe("Twenty reloads under load", () => {
  it.live(
    "fail no new connection, no request in flight, and no client that retries once; a WebSocket survives them",
    () =>
      Effect.gen(function* () {
        const behind = yield* backend("behind")
        const { agent, api, workspaceId } = yield* fleetOfOne
        const port = yield* freePort
        const location = { path: "/", proxy_pass: `http://${behind.address}`, websocket: true }
        const { id } = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
          workspace_id: workspaceId,
          name: "site",
          server_name: host,
          listen_port: port,
          locations: [location]
        })
        const round = (value: string) =>
          until(visit(port, host), ({ headers, status }) => status === 200 && headers["x-round"] === value, {
            fact: `round ${value} is served`,
            everyMillis: 10
          })
        const change = (number: number) =>
          Effect.gen(function* () {
            const before = new Set(workers(masterOf(agent.pidFile)).map(({ pid }) => pid))
            yield* api.expect(200, "PATCH", `/api/v1/virtual-hosts/${id}`, {
              locations: [{ ...location, custom_headers: [{ name: "X-Round", value: `r${number}` }] }]
            })
            yield* round(`r${number}`)
            yield* replaced(masterOf(agent.pidFile), before)
          })
        yield* change(-1)

        const socket = yield* heldOpen(port)
        const ours = yield* underLoad(port, change)
        assert.strictEqual(yield* echo(socket, "still here"), "still here")
        const bare = yield* underLoad(port, () => Effect.scoped(bareReload(agent)))
        process.stdout.write(`${line("through NxMesh", ours)}\n${line("bare HUP", bare)}\n`)

        for (const counts of [ours.fresh, ours.long, ours.reused]) {
          assert.isAbove(counts.requests, reloads)
          assert.deepStrictEqual(counts.reasons, {})
        }
      })
  )
})
