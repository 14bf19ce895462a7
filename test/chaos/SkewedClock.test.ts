import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createInterface } from "node:readline"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { temporaryDirectory } from "../support/Fleet.ts"
import { until } from "../support/Wait.ts"

const module = fileURLToPath(new URL("../support/SkewedClock.ts", import.meta.url))
const teller = `
  const { Worker, isMainThread } = require("node:worker_threads")
  const tell = () => console.log([isMainThread ? "main" : "worker", Date.now(), new Date().getTime(), performance.now()].join(" "))
  if (isMainThread) new Worker(process.argv[1])
  setInterval(tell, 20)`

describe("a clock that a test can move", () => {
  it.live("is off in every thread of a program while the test says so, and monotonic time is not", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("clock")
      const clock = join(directory, "clock")
      const script = join(directory, "teller.cjs")
      writeFileSync(script, teller.replace("process.argv[1]", "__filename"))
      const child = yield* Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, ["--import", module, script], {
            env: { ...process.env, NXMESH_TEST_CLOCK_FILE: clock },
            stdio: ["ignore", "pipe", "inherit"]
          })
        ),
        (running) => Effect.sync(() => running.kill("SIGKILL"))
      )
      let told: ReadonlyArray<string> = []
      createInterface({ input: child.stdout }).on("line", (line) => (told = line.split(" ")))
      const tells = (thread: string, offMillis: number) =>
        until(
          Effect.sync(() => told),
          ([name, ...times]) =>
            name === thread &&
            times.slice(0, 2).every((time) => Math.abs(Number(time) - Date.now() - offMillis) < 5_000),
          { fact: `the ${thread} thread is off by ${offMillis} ms`, everyMillis: 3 }
        )
      for (const thread of ["main", "worker"]) yield* tells(thread, 0)
      writeFileSync(clock, "-3600000")
      for (const thread of ["main", "worker"]) yield* tells(thread, -3_600_000)
      assert.isBelow(Number(told[3]), 60_000)
    })
  )
})
