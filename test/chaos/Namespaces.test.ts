import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { networkInterfaces } from "node:os"
import { machine, sweep } from "../support/MachineMarks.ts"
import { canUseNamespaces, testNetwork } from "../support/Namespaces.ts"
import type { TestHost } from "../support/Namespaces.ts"

const get = "fetch(process.argv[1]).then((answer) => answer.text()).then(console.log)"

/** Milliseconds until a host has its answer from a URL, or what went wrong. */
const fetchFrom = (host: TestHost, url: string): Promise<string> =>
  new Promise((resolve) => {
    const [program, ...args] = [...host.prefix, process.execPath, "-e", get, url]
    execFile(program!, args, { timeout: 1_500 }, (error, output) => resolve(error === null ? output.trim() : "nothing"))
  })

const serve = (host: TestHost) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const text = `require("node:http").createServer((_, answer) => answer.end("x".repeat(50000))).listen(80, () => console.log(1))`
      const [program, ...args] = [...host.prefix, process.execPath, "-e", text]
      const child = spawn(program!, args, { stdio: ["ignore", "pipe", "inherit"] })
      await once(child.stdout, "data")
      return child
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const page = "x".repeat(50_000)

describe.skipIf(!canUseNamespaces())("hosts of a test", () => {
  it.live("reach each other until they are cut, in either direction, and again after", () =>
    Effect.gen(function* () {
      const network = yield* testNetwork(2)
      const [a, b] = network.hosts as [TestHost, TestHost]
      yield* serve(b)
      const ask = Effect.promise(() => fetchFrom(a, `http://${b.address}/`))
      assert.strictEqual(yield* ask, page)
      yield* network.cut(a, b)
      assert.strictEqual(yield* ask, "nothing")
      yield* network.mend(a, b)
      assert.strictEqual(yield* ask, page)
      yield* network.cut(b, a)
      assert.strictEqual(yield* ask, "nothing")
      const own = yield* Effect.promise(() => fetch(`http://${b.address}/`).then((answer) => answer.text()))
      assert.strictEqual(own, page)
      yield* network.mend(b, a)
      assert.strictEqual(yield* ask, page)
    })
  )

  it.live("are slowed, and fast again", () =>
    Effect.gen(function* () {
      const network = yield* testNetwork(2)
      const [a, b] = network.hosts as [TestHost, TestHost]
      yield* serve(b)
      const ask = Effect.promise(async () => {
        const started = performance.now()
        return { text: await fetchFrom(a, `http://${b.address}/`), millis: performance.now() - started }
      })
      yield* network.slow(b, 800)
      const slow = yield* ask
      yield* network.hasten(b)
      const fast = yield* ask
      assert.strictEqual(fast.text, page)
      // 400 kbit at 800 kbit/s, beyond the start of a Node process.
      assert.isAbove(slow.millis, fast.millis + 250)
    })
  )

  it.live("are gone with the scope, and with the next run when theirs was killed", () =>
    Effect.gen(function* () {
      const addressesBefore = Object.keys(networkInterfaces())
      yield* Effect.scoped(testNetwork(1))
      const program =
        `import { Effect, Scope } from "effect"\nimport { testNetwork } from "./test/support/Namespaces.ts"\n` +
        `const scope = Scope.makeUnsafe()\nawait Effect.runPromise(Scope.provide(testNetwork(2), scope))\nprocess.kill(process.pid, "SIGKILL")`
      const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "ignore" })
      yield* Effect.promise(() => once(child, "exit"))
      const left = `nx${child.pid!.toString(36)}`
      assert.include(machine("ip", "netns", "list"), left)
      yield* sweep
      assert.notInclude(machine("ip", "netns", "list"), left)
      assert.notInclude(machine("ip", "-brief", "link"), left)
      assert.deepStrictEqual(Object.keys(networkInterfaces()), addressesBefore)
    })
  )
})
