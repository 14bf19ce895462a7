import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync, rmSync } from "node:fs"
import { networkInterfaces } from "node:os"
import { dirname } from "node:path"
import { machine, sweep } from "../support/MachineMarks.ts"
import { canUseNamespaces, testNetwork } from "../support/Namespaces.ts"
import type { TestHost } from "../support/Namespaces.ts"
import { until } from "../support/Wait.ts"

const get = "fetch(process.argv[1]).then((answer) => answer.text()).then(console.log)"

/** What a host gets from a URL within so long, the start of a process included. */
const fetchFrom = (host: TestHost, url: string, timeoutMillis: number): Promise<string> =>
  new Promise((resolve) => {
    const [program, ...args] = [...host.prefix, process.execPath, "-e", get, url]
    execFile(program!, args, { timeout: timeoutMillis }, (error, output) =>
      resolve(error === null ? output.trim() : "nothing")
    )
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

/** For an answer, on a machine that does much else; and for none, many times what one takes. */
const answerMillis = 15_000
const silenceMillis = 2_500

const page = "x".repeat(50_000)

const mounts = (): string => readFileSync("/proc/mounts", "utf8")

/** A run with hosts and a disk that kills itself, after it did something else; how its names begin, and where its disk was. */
const killedRun = (last: string) =>
  Effect.promise(async () => {
    const program = `
      import { Effect, Scope } from "effect"
      import { execFileSync } from "node:child_process"
      import { testNetwork } from "./test/support/Namespaces.ts"
      import { smallDisk } from "./test/support/SmallDisk.ts"
      const watchers = () => execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], { encoding: "utf8" })
        .split("\\n").filter((line) => line.includes("MachineWatch")).map((line) => Number(line.trim().split(" ")[0]))
      const scope = Scope.makeUnsafe()
      await Effect.runPromise(Scope.provide(testNetwork(2), scope))
      const { path } = await Effect.runPromise(Scope.provide(smallDisk(16), scope))
      process.stdout.write(path, () => { ${last}; process.kill(process.pid, "SIGKILL") })`
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let mount = ""
    child.stdout.on("data", (chunk: Buffer) => (mount += chunk.toString()))
    await once(child, "close")
    assert.isNotEmpty(mount)
    return { left: `nx${child.pid!.toString(36)}`, mount }
  })

describe.skipIf(!canUseNamespaces())("hosts of a test", () => {
  it.live("reach each other until they are cut, in either direction, and again after", () =>
    Effect.gen(function* () {
      const network = yield* testNetwork(2)
      const [a, b] = network.hosts as [TestHost, TestHost]
      yield* serve(b)
      const ask = (timeoutMillis: number) => Effect.promise(() => fetchFrom(a, `http://${b.address}/`, timeoutMillis))
      assert.strictEqual(yield* ask(answerMillis), page)
      yield* network.cut(a, b)
      assert.strictEqual(yield* ask(silenceMillis), "nothing")
      yield* network.mend(a, b)
      assert.strictEqual(yield* ask(answerMillis), page)
      yield* network.cut(b, a)
      assert.strictEqual(yield* ask(silenceMillis), "nothing")
      const own = yield* Effect.promise(() => fetch(`http://${b.address}/`).then((answer) => answer.text()))
      assert.strictEqual(own, page)
      yield* network.mend(b, a)
      assert.strictEqual(yield* ask(answerMillis), page)
    })
  )

  it.live("are slowed, and fast again", () =>
    Effect.gen(function* () {
      const network = yield* testNetwork(2)
      const [a, b] = network.hosts as [TestHost, TestHost]
      yield* serve(b)
      const ask = Effect.promise(async () => {
        const started = performance.now()
        return { text: await fetchFrom(a, `http://${b.address}/`, answerMillis), millis: performance.now() - started }
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

  it.live("are gone with the scope", () =>
    Effect.gen(function* () {
      const addressesBefore = Object.keys(networkInterfaces())
      yield* Effect.scoped(testNetwork(1))
      assert.deepStrictEqual(Object.keys(networkInterfaces()), addressesBefore)
    })
  )

  it.live("are gone at once when their run is killed, with its disks", () =>
    Effect.gen(function* () {
      const { left, mount } = yield* killedRun("")
      yield* until(
        Effect.sync(() => machine("ip", "netns", "list") + machine("ip", "-brief", "link") + mounts()),
        (seen) => !seen.includes(left) && !seen.includes(mount),
        { fact: "the namespaces, links and mounts of the killed run are gone" }
      )
      rmSync(dirname(mount), { recursive: true })
    })
  )

  it.live("are gone with the next run when theirs was killed with its watcher", () =>
    Effect.gen(function* () {
      const { left, mount } = yield* killedRun("for (const pid of watchers()) process.kill(pid, 'SIGKILL')")
      assert.include(machine("ip", "netns", "list"), left)
      assert.include(mounts(), mount)
      yield* sweep
      assert.notInclude(machine("ip", "netns", "list"), left)
      assert.notInclude(machine("ip", "-brief", "link"), left)
      assert.notInclude(mounts(), mount)
      rmSync(dirname(mount), { recursive: true })
    })
  )
})
