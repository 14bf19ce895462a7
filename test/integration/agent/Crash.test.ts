import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { spawn } from "node:child_process"
import { readdir, readlink } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import { script } from "../../support/Scripts.ts"
import { deployingOn } from "./Deploying.ts"
import { freePort, get, site, temporaryInstance, Trees } from "./Instance.ts"

const runner = await script("agentThatKillsItself")

/** Runs the agent that kills itself; answers how it ended. */
const crash = (instance: NginxInstanceSettings, ...rest: ReadonlyArray<string>) =>
  Effect.callback<string>((resume) => {
    const child = spawn(process.execPath, [runner, instance.prefix ?? "", ...rest], {
      stdio: ["ignore", "inherit", "inherit"]
    })
    child.on("close", (code, signal) => resume(Effect.succeed(signal ?? String(code))))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** Asks all the time, from the first answer on, and collects the answers that are not one of the two texts. */
const watch = (port: number, wrong: Array<string | null>) =>
  Effect.gen(function* () {
    while ((yield* get(port, "a.test")) === null) yield* Effect.sleep("10 millis")
    while (true) {
      // A keep-alive race of nginx's own, a connection closed as its worker leaves, is asked again once.
      const answer = (yield* get(port, "a.test")) ?? (yield* get(port, "a.test"))
      if (answer !== "one" && answer !== "two") wrong.push(answer)
      yield* Effect.sleep("5 millis")
    }
  })

const takenPort = Effect.acquireRelease(
  Effect.flatMap(freePort, (port) =>
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer()
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    })
  ),
  (server) => Effect.sync(() => server.close())
).pipe(
  Effect.map((server) => {
    const address = server.address()
    return typeof address === "object" && address !== null ? String(address.port) : ""
  })
)

const survives = (moment: string, record: string, more: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const instance = yield* temporaryInstance
    const port = yield* freePort
    const wrong: Array<string | null> = []
    const watcher = yield* Effect.forkScoped(watch(port, wrong))
    assert.strictEqual(yield* crash(instance, String(port), moment, record, ...more), "SIGKILL")
    const master = yield* NginxProcess.find(instance.pidFile)

    yield* deployingOn(instance, new Trees(), ({ deployer, apply }) =>
      Effect.gen(function* () {
        const { directory, deploymentId } = yield* deployer.current
        const recorded = record === "Ended" || (record === "settle" && moment === "after")
        // The signal was sent and nginx took the tree: clients see it, so it is proved once more, under a new id.
        const completed = record === "prove" || (record === "settle" && moment === "before")
        const finished = recorded || completed
        assert.strictEqual(yield* get(port, "a.test"), finished ? "two" : "one")
        assert.strictEqual(yield* Effect.promise(() => readlink(join(instance.confDirectory, "current"))), directory)
        // Whatever was cut off is recorded as ended, and its directory is gone.
        const { status, id } = (yield* deployer.lastOutcome) ?? { status: "none", id: "" }
        if (finished) assert.deepStrictEqual([status, id === deploymentId], ["settled", recorded])
        else if (record !== "Began" || moment === "after") assert.strictEqual(status, "interrupted")
        const left = yield* Effect.promise(() => readdir(instance.confDirectory))
        assert.strictEqual(left.filter((name) => /^\d{14}-/.test(name)).length, finished ? 3 : 2)
        assert.strictEqual((yield* NginxProcess.find(instance.pidFile)).startTicks, master.startTicks)

        yield* Fiber.interrupt(watcher)
        assert.deepStrictEqual(wrong, [])
        assert.strictEqual((yield* apply([site("a.test", port, "three")])).status, "settled")
        assert.strictEqual(yield* get(port, "a.test"), "three")
      })
    )
  })

describe("an agent killed in the middle of a deployment", () => {
  for (const record of ["Began", "stage", "test", "swap", "reload", "prove", "settle", "Ended"]) {
    for (const moment of ["before", "after"]) {
      it.live(`is consistent again after a kill ${moment} it journals ${record}, and nginx served throughout`, () =>
        survives(moment, record)
      )
    }
  }

  for (const moment of ["before", "after"]) {
    it.live(`is consistent again after a kill ${moment} it journals the way back`, () =>
      Effect.flatMap(takenPort, (taken) => survives(moment, "rollback", [taken]))
    )
  }
})
