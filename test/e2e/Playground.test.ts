// `npm start` as a newcomer meets it: start, change the site with the printed line, stop, start again.

import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { freePort } from "../../cli/playground/Ports.ts"
import { inCheckout } from "../../cli/tooling/Checkout.ts"

const shell = async (line: string): Promise<string> => (await promisify(execFile)("sh", ["-ec", line])).stdout

const until = async (holds: () => Promise<boolean>, fact: string, patienceMillis = 30_000): Promise<void> => {
  const deadline = performance.now() + patienceMillis
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`not within ${patienceMillis} ms: ${fact}`)
    await sleep(50)
  }
}

/** Processes of the playground in this folder: by their environment, and nginx by its title. */
const processesOf = async (folder: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const title = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")
    if (title.includes(folder) || environment.includes(`NXMESH_PLAYGROUND_DIR=${folder}\0`)) found.push(title)
  }
  return found
}

describe("npm start", () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "play-"))
    const [httpPort, agentPort, sitePort, backendPort] = await Promise.all(
      ["127.0.0.1", "127.0.0.1", "0.0.0.0", "127.0.0.1"].map((host) => freePort(host, 0))
    )
    await writeFile(join(folder, "playground.json"), JSON.stringify({ httpPort, agentPort, sitePort, backendPort }))
  })
  let stop: (signal: NodeJS.Signals) => Promise<number | null> = () => Promise.resolve(null)
  afterEach(async () => {
    await stop("SIGTERM")
    await rm(folder, { recursive: true, force: true })
  })

  const start = async () => {
    const child = spawn(process.execPath, [inCheckout("cli/start.ts")], {
      env: { ...process.env, NXMESH_PLAYGROUND_DIR: folder },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    child.stdout.on("data", (chunk) => (output += chunk))
    child.stderr.on("data", (chunk) => (output += chunk))
    let code: number | null | undefined
    const ended = once(child, "exit").then(([exitCode]) => (code = exitCode as number | null))
    stop = async (signal) => {
      child.kill(signal)
      return ended
    }
    await until(
      () => {
        if (code !== undefined) assert.fail(`npm start ended with ${code}:\n${output}`)
        return Promise.resolve(output.includes("read it from nginx"))
      },
      `npm start has started:\n${output}`,
      90_000
    )
    const lines = output.split("\n").filter((line) => line.startsWith("  curl "))
    return { change: lines[0] ?? "", read: lines[1] ?? "", output }
  }

  it("serves a site, changes it with the printed line, leaves nothing running, and has it all again", async () => {
    const first = await start()
    assert.strictEqual(await shell(first.read), "Hello from NxMesh\n")
    await shell(first.change)
    await until(async () => (await shell(first.read)) === "Hello again\n", "nginx serves the change")
    assert.strictEqual(await stop("SIGINT"), 0)
    assert.deepStrictEqual(await processesOf(folder), [])

    const startedAt = performance.now()
    const second = await start()
    assert.isBelow(performance.now() - startedAt, 10_000, "a second start takes seconds")
    assert.strictEqual(await shell(second.read), "Hello again\n")
    assert.strictEqual(await stop("SIGTERM"), 0)
    assert.deepStrictEqual(await processesOf(folder), [])
  })
})
