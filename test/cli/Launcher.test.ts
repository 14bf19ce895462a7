// nxmesh.mjs in a folder of its own, with a stand-in for npm: what it installs, when, and how it hands over.

import { spawn } from "node:child_process"
import { once } from "node:events"
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { inCheckout } from "../../cli/tooling/Checkout.ts"

/** Installs a "Node" that is a link to this one, and counts its runs. */
const standIn = `
import { appendFileSync, mkdirSync, symlinkSync, existsSync } from "node:fs"
appendFileSync("installs", process.argv.slice(2).join(" ") + "\\n")
if (existsSync("npm-fails")) { console.error("npm error code ENETUNREACH"); process.exit(1) }
const folder = \`node_modules/node-\${process.platform}-\${process.arch}/bin\`
mkdirSync(folder, { recursive: true })
if (!existsSync(folder + "/node")) symlinkSync(process.execPath, folder + "/node")
`

/** Ends with 7, or on SIGINT with 8: and says what it was started with. */
const program = `
const said = JSON.stringify({ args: process.argv.slice(2), path: process.env.PATH }) + "\\n"
if (process.argv[2] === "wait") {
  let interrupts = 0
  process.on("SIGINT", () => { interrupts += 1; setTimeout(() => process.exit(interrupts === 1 ? 8 : 9), 50) })
  setInterval(() => {}, 1000)
  process.stdout.write(said)
} else {
  process.stdout.write(said)
  process.exit(7)
}
`

describe("nxmesh.mjs", () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "launcher-"))
    await mkdir(join(folder, "cli"))
    await copyFile(inCheckout("nxmesh.mjs"), join(folder, "nxmesh.mjs"))
    await Promise.all([
      writeFile(join(folder, "package.json"), '{ "type": "module" }'),
      writeFile(join(folder, "package-lock.json"), "{}"),
      writeFile(join(folder, "npm-cli.js"), standIn),
      writeFile(join(folder, "cli", "check.ts"), program)
    ])
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const start = (...args: ReadonlyArray<string>) => {
    const child = spawn(process.execPath, [join(folder, "nxmesh.mjs"), ...args], {
      cwd: folder,
      env: { ...process.env, npm_execpath: join(folder, "npm-cli.js") },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const output = { stdout: "", stderr: "" }
    child.stdout.on("data", (chunk) => (output.stdout += chunk))
    child.stderr.on("data", (chunk) => (output.stderr += chunk))
    const ended = once(child, "close").then(([code]) => ({ code: code as number, ...output }))
    return { child, ended, output }
  }
  const installs = async () => (await readFile(join(folder, "installs"), "utf8")).trim().split("\n")

  it("installs once, and hands over with arguments and exit code", async () => {
    const first = await start("check", "a", "b").ended
    assert.strictEqual(first.code, 7, first.stderr)
    assert.deepStrictEqual(JSON.parse(first.stdout).args, ["a", "b"])
    assert.match(JSON.parse(first.stdout).path, /node_modules\/node-[^/]+\/bin:/)
    assert.match(first.stderr, /installing the dependencies/)
    const second = await start("check").ended
    assert.strictEqual(second.stderr, "")
    assert.match((await installs()).join("\n"), /^install --no-save --include=dev --include=optional\b[^\n]*$/)
  })

  it("installs again when the lockfile changed", async () => {
    await start("check").ended
    await writeFile(join(folder, "package-lock.json"), '{ "a": 1 }')
    await start("check").ended
    assert.lengthOf(await installs(), 2)
  })

  it("makes one installation of two first runs at once", async () => {
    const [a, b] = await Promise.all([start("check").ended, start("check").ended])
    assert.deepStrictEqual([a.code, b.code], [7, 7], a.stderr + b.stderr)
    assert.lengthOf(await installs(), 1)
  })

  it("takes over the lock of a run that died", async () => {
    await mkdir(join(folder, "node_modules", ".nxmesh-installing"), { recursive: true })
    const dead = spawn("true")
    await once(dead, "exit")
    await writeFile(join(folder, "node_modules", ".nxmesh-installing", "owner"), `${dead.pid} 1`)
    assert.strictEqual((await start("check").ended).code, 7)
    assert.lengthOf(await installs(), 1)
  })

  it("says what to do when npm fails, and installs on the next run", async () => {
    await writeFile(join(folder, "npm-fails"), "")
    const failed = await start("check").ended
    assert.strictEqual(failed.code, 1)
    assert.match(failed.stderr, /ENETUNREACH[\s\S]*could not be installed/)
    await rm(join(folder, "npm-fails"))
    assert.strictEqual((await start("check").ended).code, 7)
  })

  it("passes Ctrl-C on once, though terminal and npm both send it", async () => {
    const running = start("check", "wait")
    await once(running.child.stdout, "data")
    running.child.kill("SIGINT")
    running.child.kill("SIGINT")
    assert.strictEqual((await running.ended).code, 8)
  })

  it("refuses an unknown command, and one that does not exist yet", async () => {
    assert.strictEqual((await start("nonsense").ended).code, 2)
    const cluster = await start("cluster").ended
    assert.strictEqual(cluster.code, 2)
    assert.match(cluster.stderr, /not available yet/)
  })
})
