/** A real nginx in trouble, and the watchdog with short waits. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { readFile, rm, writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { AlertBoard } from "@nxmesh/agent/alerts/AlertBoard"
import { Outcomes } from "@nxmesh/agent/link/Outcomes"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as ProcessTable from "@nxmesh/agent/nginx/ProcessTable"
import * as Watchdog from "@nxmesh/agent/watchdog/Watchdog"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { deployingOn, type Tools } from "./Deploying.ts"
import { get, site, temporaryInstance, Trees, until } from "./Instance.ts"

const quick = Watchdog.layerOf({ waitFactor: 0.02, silenceMillis: 500, deathRoundsMax: 4 }, Duration.millis(20))

/** An nginx that serves "one", after "zero", with a watchdog beside it. */
const watched = <A, E, R>(body: (tools: Tools) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(temporaryInstance, (instance) =>
    deployingOn(instance, new Trees(), (tools) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* tools.apply([site("a.test", tools.port, "zero")])).status, "settled")
        assert.strictEqual((yield* tools.apply([site("a.test", tools.port, "one")])).status, "settled")
        return yield* body(tools)
      }).pipe(
        Effect.provide(quick.pipe(Layer.provideMerge(Layer.mergeAll(AlertBoard.layer, Metrics.layer, Outcomes.layer))))
      )
    )
  )

const masterOf = (instance: NginxInstanceSettings) => NginxProcess.find(instance.pidFile)
const serves = (port: number, text: string) => until(Effect.map(get(port, "a.test"), (body) => body === text))
const codes = Effect.flatMap(AlertBoard, ({ current }) =>
  Effect.map(current, (alerts) => alerts.map(({ code }) => code))
)

describe("the watchdog", () => {
  it.live("starts an nginx of which everything was killed", () =>
    watched(({ instance, port }) =>
      Effect.gen(function* () {
        const master = yield* masterOf(instance)
        for (const one of [master, ...ProcessTable.children(master.pid)]) yield* NginxProcess.signal(one, "SIGKILL")
        yield* serves(port, "one")
        assert.isFalse(ProcessTable.isAlive(master))
        yield* until(Effect.map(codes, (all) => all.includes("watchdog_acted")))
      })
    )
  )

  it.live("starts one whose master alone was killed, in the place of the workers that hold the ports", () =>
    watched(({ apply, instance, port }) =>
      Effect.gen(function* () {
        const master = yield* masterOf(instance)
        yield* NginxProcess.signal(master, "SIGKILL")
        yield* until(Effect.map(Effect.result(masterOf(instance)), ({ _tag }) => _tag === "Success"))
        assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
        yield* serves(port, "two")
      })
    )
  )

  it.live("starts another beside one that somebody told to quit and that still has a client", () =>
    watched(({ instance, port }) =>
      Effect.gen(function* () {
        const old = yield* masterOf(instance)
        const client = connect(port, "127.0.0.1")
        yield* Effect.callback<void>((resume) => {
          client.once("connect", () => client.write("GET / HTTP/1.1\r\nHost: a.te", () => resume(Effect.void)))
        })
        yield* NginxProcess.signal(old, "SIGQUIT")
        yield* serves(port, "one")
        assert.isTrue(ProcessTable.isAlive(old))
        client.destroy()
        yield* until(Effect.sync(() => !ProcessTable.isAlive(old)))
        // The old one took the pid file with it: the watchdog writes it again, and starts no third.
        const named = yield* Effect.promise(() => readFile(instance.pidFile, "utf8").catch(() => "")).pipe(
          Effect.repeat({ until: (text) => text !== "" })
        )
        assert.strictEqual((yield* masterOf(instance)).pid, Number(named))
        yield* serves(port, "one")
      })
    )
  )

  it.live("makes a pid file true again that names a stranger, or that somebody removed", () =>
    watched(({ apply, instance, port }) =>
      Effect.gen(function* () {
        const { pid } = yield* masterOf(instance)
        const isTrue = until(
          Effect.map(
            Effect.promise(() => readFile(instance.pidFile, "utf8").catch(() => "")),
            (text) => Number(text) === pid
          )
        )
        yield* Effect.promise(() => writeFile(instance.pidFile, `${process.pid}\n`))
        yield* isTrue
        yield* Effect.promise(() => rm(instance.pidFile))
        yield* isTrue
        assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
        assert.strictEqual((yield* masterOf(instance)).pid, pid)
      })
    )
  )

  it.live(
    "restarts an nginx whose workers crash in a loop, then goes back a generation, tells the masters, and stops there",
    () =>
      watched(({ deployer, instance, port }) =>
        Effect.gen(function* () {
          const first = yield* masterOf(instance)
          const bad = yield* deployer.current
          const crash = Effect.gen(function* () {
            const master = yield* Effect.orElseSucceed(masterOf(instance), () => null)
            for (const { pid } of master === null ? [] : NginxProcess.activeWorkers(master)) {
              try {
                process.kill(pid, "SIGSEGV")
              } catch {
                // It ended meanwhile.
              }
            }
          })
          yield* until(
            Effect.andThen(
              crash,
              Effect.sync(() => !ProcessTable.isAlive(first))
            )
          )
          yield* until(
            Effect.andThen(
              crash,
              Effect.map(codes, (all) => all.includes("fell_back"))
            ),
            "20 seconds"
          )
          yield* serves(port, "zero")
          const [told] = yield* (yield* Outcomes).next
          assert.deepInclude(told, { generation: bad.generation, status: "rolled_back" })
          assert.strictEqual(told?.serving_generation, (yield* deployer.current).generation)
        })
      )
  )

  it.live("reloads, then restarts an nginx that answers nobody", () =>
    watched(({ instance, port }) =>
      Effect.gen(function* () {
        const master = yield* masterOf(instance)
        // A hung nginx: its workers and its master take no signal but to go on.
        for (const worker of NginxProcess.activeWorkers(master)) process.kill(worker.pid, "SIGSTOP")
        yield* serves(port, "one")
        for (const worker of ProcessTable.children(master.pid)) {
          try {
            process.kill(worker.pid, "SIGCONT")
          } catch {
            // It was killed by a restart.
          }
        }
      })
    )
  )
})
