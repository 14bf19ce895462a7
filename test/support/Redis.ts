/** A real redis-server on a port of its own, in memory alone, ended with the test's scope. */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "./FreePort.ts"
import { until } from "./Wait.ts"

export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Again at the same port, with nothing in it. Waits until it answers. */
  readonly start: Effect.Effect<void>
  /** At once, as a power cut. */
  readonly kill: Effect.Effect<void>
  /** It keeps its connections and answers nothing, until `resume`. */
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

const answers = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(port, "127.0.0.1")
    socket.setTimeout(1_000, () => socket.destroy())
    socket.once("connect", () => socket.write("PING\r\n"))
    socket.once("data", (data) => {
      resume(Effect.succeed(data.toString().startsWith("+PONG")))
      socket.destroy()
    })
    socket.on("error", () => undefined)
    socket.once("close", () => resume(Effect.succeed(false)))
    return Effect.sync(() => socket.destroy())
  })

export const startRedis: Effect.Effect<RedisServer, never, Scope.Scope> = Effect.gen(function* () {
  const port = yield* freePort
  const directory = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-redis-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )
  let child: ChildProcess | null = null
  const signal = (name: NodeJS.Signals) => Effect.sync(() => void child?.kill(name))
  const kill = Effect.callback<void>((resume) => {
    const running = child
    if (running === null || running.exitCode !== null || running.signalCode !== null) return resume(Effect.void)
    running.once("exit", () => resume(Effect.void))
    running.kill("SIGKILL")
  })
  const start = Effect.sync(() => {
    const options = [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
      "--dir",
      directory
    ]
    child = spawn("redis-server", options, { stdio: "ignore" })
  }).pipe(
    Effect.andThen(until(answers(port), (up) => up, { fact: `redis-server answers on port ${port}` })),
    Effect.asVoid
  )
  yield* Effect.addFinalizer(() => kill)
  yield* start
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    start,
    kill,
    pause: signal("SIGSTOP"),
    resume: signal("SIGCONT")
  }
})
