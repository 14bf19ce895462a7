/** What a person asks of an agent's nginx (AF-001), done by a real one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { connect, createServer } from "node:net"
import { readFile } from "node:fs/promises"
import { ActionId } from "@nxmesh/protocol/Ids"
import type { AgentAction } from "@nxmesh/protocol/model/AgentAction"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { ActionMemory } from "@nxmesh/agent/lifecycle/ActionMemory"
import { AgentActions } from "@nxmesh/agent/lifecycle/AgentActions"
import { Outcomes } from "@nxmesh/agent/link/Outcomes"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import { NginxWish } from "@nxmesh/agent/nginx/NginxWish"
import * as PrivatePrefix from "@nxmesh/agent/nginx/PrivatePrefix"
import * as ProcessTable from "@nxmesh/agent/nginx/ProcessTable"
import { Preflight } from "@nxmesh/agent/preflight/Preflight"
import { deployingOn, type Tools } from "./Deploying.ts"
import { dataDirectory, edit, get, site, temporaryInstance, Trees, until } from "./Instance.ts"

let actions = 0
const nextId = () => {
  actions += 1
  return ActionId.make(`00000000-0000-4000-9000-${String(actions).padStart(12, "0")}`)
}

const actionsLayer = (instance: NginxInstanceSettings) =>
  AgentActions.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Outcomes.layer,
        Preflight.layerNone,
        Identifiers.layer,
        ActionMemory.layer(dataDirectory(instance))
      )
    )
  )

/** An agent with its actions; a second one on an instance is an agent that started again. */
const acting = <A, E, R>(
  instance: NginxInstanceSettings,
  trees: Trees,
  body: (tools: Tools & { readonly act: (action: AgentAction, id?: ActionId) => Act }) => Effect.Effect<A, E, R>
) =>
  deployingOn(instance, trees, (tools) =>
    Effect.gen(function* () {
      const { perform } = yield* AgentActions
      return yield* body({ ...tools, act: (action, id = nextId()) => perform(id, action) })
    }).pipe(Effect.provide(actionsLayer(instance)))
  )
type Act = ReturnType<AgentActions["Service"]["perform"]>

const start = { _tag: "start" } as const
const stop = { _tag: "stop" } as const
const restart = { _tag: "restart" } as const
const reload = { _tag: "reload" } as const

const isRunning = (instance: NginxInstanceSettings) =>
  Effect.map(Effect.result(NginxProcess.find(instance.pidFile)), ({ _tag }) => _tag === "Success")

const pidIn = (instance: NginxInstanceSettings) =>
  Effect.promise(async () => Number(await readFile(instance.pidFile, "utf8").catch(() => "0")))

/** A client in the middle of a request: nginx waits for the rest of it. */
const lingeringClient = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof connect>>((resume) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write("GET / HTTP/1.1\r\nHost: a.te", () => resume(Effect.succeed(socket)))
      })
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

describe("a stop", () => {
  it.live("holds until a start: no deployment and no restart of the agent starts nginx", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const trees = new Trees()
      const port = yield* acting(instance, trees, ({ act, apply, deployer, port }) =>
        Effect.gen(function* () {
          yield* apply([site("a.test", port, "one")])
          assert.strictEqual((yield* act(stop)).status, "done")
          assert.isFalse(yield* isRunning(instance))
          const refused = yield* apply([site("a.test", port, "two")])
          assert.strictEqual(refused.status, "failed")
          assert.include(refused.error?.message, "stopped on request")
          assert.isAbove(yield* deployer.reloadWaitMillis(0), 0)
          assert.strictEqual((yield* act(stop)).status, "unchanged")
          return port
        })
      )
      yield* acting(instance, trees, ({ act, apply, deployer }) =>
        Effect.gen(function* () {
          assert.isFalse(yield* isRunning(instance))
          assert.strictEqual(
            (yield* act({ _tag: "rollback", deployment_id: (yield* deployer.current).deploymentId })).status,
            "refused"
          )
          assert.strictEqual((yield* act(start)).status, "done")
          assert.strictEqual(yield* get(port, "a.test"), "one")
          assert.strictEqual((yield* act(start)).status, "unchanged")
          assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
        })
      )
    })
  )

  it.live("is over when somebody starts nginx without the agent", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      yield* acting(instance, new Trees(), ({ act, apply, port, supervisor }) =>
        Effect.gen(function* () {
          yield* apply([site("a.test", port, "one")])
          yield* act(stop)
          assert.isFalse(yield* supervisor.isWanted)
          yield* supervisor.start
          assert.isTrue(yield* supervisor.isWanted)
          assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
        })
      )
    })
  )

  it.live("says that clients are still served, and a start does not wait for them", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      yield* acting(instance, new Trees(), ({ act, apply, port }) =>
        Effect.gen(function* () {
          yield* apply([site("a.test", port, "one")])
          const old = yield* NginxProcess.find(instance.pidFile)
          const client = yield* lingeringClient(port)
          const stopped = yield* act(stop)
          assert.strictEqual(stopped.status, "done")
          assert.include(stopped.message, "last clients")
          assert.isNull(yield* get(port, "a.test"))
          assert.strictEqual((yield* act(start)).status, "done")
          assert.strictEqual(yield* get(port, "a.test"), "one")
          assert.isTrue(ProcessTable.isAlive(old))
          // The one that drained removes the pid file as it ends; the next that needs it writes it again.
          client.destroy()
          yield* until(Effect.sync(() => !ProcessTable.isAlive(old)))
          assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
          assert.strictEqual(yield* pidIn(instance), (yield* NginxProcess.find(instance.pidFile)).pid)
        })
      )
    }).pipe(Effect.scoped)
  )
})

describe("a restart", () => {
  it.live("has another master serve, and is done once for each id", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const trees = new Trees()
      const id = nextId()
      const first = yield* acting(instance, trees, ({ act, apply, port }) =>
        Effect.gen(function* () {
          yield* apply([site("a.test", port, "one")])
          const before = yield* NginxProcess.find(instance.pidFile)
          const [outcome, same] = yield* Effect.all([act(restart, id), act(restart, id)], { concurrency: 2 })
          assert.strictEqual(outcome.status, "done", outcome.message)
          assert.deepStrictEqual(same, outcome)
          assert.isFalse(ProcessTable.isAlive(before))
          assert.strictEqual(yield* get(port, "a.test"), "one")
          return outcome
        })
      )
      yield* acting(instance, trees, ({ act }) =>
        Effect.gen(function* () {
          const pid = yield* pidIn(instance)
          assert.deepStrictEqual(yield* act(restart, id), first)
          assert.strictEqual(yield* pidIn(instance), pid)
        })
      )
    })
  )

  it.live("leaves an nginx alone whose configuration would not start again", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      yield* acting(instance, new Trees(), ({ act, apply, port }) =>
        Effect.gen(function* () {
          yield* apply([site("a.test", port, "one")])
          const pid = yield* pidIn(instance)
          yield* edit(PrivatePrefix.configurationFile(instance.prefix ?? ""), (text) => `${text}\nbogus on;\n`)
          for (const action of [restart, reload, { _tag: "test" } as const]) {
            const outcome = yield* act(action)
            assert.strictEqual(outcome.status, "failed")
            assert.include(outcome.errors[0]?.message, 'unknown directive "bogus"')
          }
          assert.strictEqual(yield* pidIn(instance), pid)
          assert.strictEqual(yield* get(port, "a.test"), "one")
        })
      )
    })
  )
})

describe("a reload", () => {
  it.live("has new workers serve under the same master", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      yield* acting(instance, new Trees(), ({ act, apply, port }) =>
        Effect.gen(function* () {
          yield* apply([site("a.test", port, "one")])
          const master = yield* NginxProcess.find(instance.pidFile)
          const before = new Set(NginxProcess.activeWorkers(master).map(({ pid }) => pid))
          assert.strictEqual((yield* act({ _tag: "test" })).status, "done")
          assert.strictEqual((yield* act(reload)).status, "done")
          const after = NginxProcess.activeWorkers(master).map(({ pid }) => pid)
          assert.isTrue(after.every((pid) => !before.has(pid)))
          yield* act(stop)
          assert.strictEqual((yield* act(reload)).status, "refused")
        })
      )
    })
  )
})

describe("a rollback", () => {
  it.live("serves a kept deployment again by the id that the masters know, also after a way back renamed it", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      yield* acting(instance, new Trees(), ({ act, apply, deployer, port }) =>
        Effect.gen(function* () {
          const one = yield* apply([site("a.test", port, "one")])
          // Fails at the reload, and the way back gives the tree of "one" an id of its own.
          const taken = yield* takenPort
          assert.strictEqual((yield* apply([site("b.test", taken, "no")])).status, "rolled_back")
          assert.notStrictEqual((yield* deployer.current).deploymentId, one.id)
          yield* apply([site("a.test", port, "two")])
          const back = yield* act({ _tag: "rollback", deployment_id: one.id })
          assert.strictEqual(back.status, "done", back.message)
          assert.strictEqual(yield* get(port, "a.test"), "one")
          // It is a deployment like any other for the masters.
          const [reported] = yield* (yield* Outcomes).next
          assert.strictEqual(reported?.serving_generation, one.generation)
        })
      )
    }).pipe(Effect.scoped)
  )

  it.live("to a deployment that is not kept is refused", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      yield* acting(instance, new Trees(), ({ act, apply, port }) =>
        Effect.gen(function* () {
          const one = yield* apply([site("a.test", port, "0")])
          for (const body of ["1", "2", "3", "4", "5"]) yield* apply([site("a.test", port, body)])
          const outcome = yield* act({ _tag: "rollback", deployment_id: one.id })
          assert.strictEqual(outcome.status, "refused")
          assert.include(outcome.message, "not kept any more")
          assert.strictEqual(yield* get(port, "a.test"), "5")
        })
      )
    })
  )
})

/** A port that another program has. */
const takenPort = Effect.gen(function* () {
  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const one = createServer()
      one.listen(0, "127.0.0.1", () => resume(Effect.succeed(one)))
    }),
    (one) => Effect.sync(() => one.close())
  )
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
})

describe("an action that a crash cut off", () => {
  it.live("is answered as one of which nobody knows how far it came", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const id = nextId()
      yield* Effect.flatMap(ActionMemory, (memory) => memory.begin(id, "2026-01-01T00:00:00.000Z")).pipe(
        Effect.provide(ActionMemory.layer(dataDirectory(instance)))
      )
      yield* acting(instance, new Trees(), ({ act }) =>
        Effect.gen(function* () {
          const outcome = yield* act(stop, id)
          assert.strictEqual(outcome.status, "failed")
          assert.include(outcome.message, "in the middle of this")
          assert.strictEqual(yield* (yield* NginxWish).get, "running")
          assert.isTrue(yield* isRunning(instance))
        })
      )
    })
  )
})
