/** Bundles of a checkout of one small program, which reads a file beside it and starts a thread. */
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, statSync, utimesSync } from "node:fs"
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { bundleFolder } from "../../cli/bundle/Bundle.ts"

const main = `
import { readFileSync } from "node:fs"
import { Worker } from "node:worker_threads"
import { greeting } from "./Greeting.ts"
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
const worker = new Worker(new URL("./Thread.ts", import.meta.url), { workerData: greeting as string })
worker.on("message", (heard: string) => console.log(heard, version))
`
const thread = `
import { parentPort, workerData } from "node:worker_threads"
parentPort!.postMessage(workerData + " from a thread of")
`

describe("a bundle", () => {
  let checkout: string
  const put = (path: string, text: string) => writeFile(join(checkout, path), text)

  beforeEach(async () => {
    checkout = await realpath(await mkdtemp(join(tmpdir(), "bundle-")))
    for (const folder of ["cli/bundle", "packages/small/src"]) await mkdir(join(checkout, folder), { recursive: true })
    await put("package-lock.json", "{}")
    await put("packages/small/package.json", '{ "version": "0.1" }')
    await put("packages/small/src/main.ts", main)
    await put("packages/small/src/Thread.ts", thread)
    await put("packages/small/src/Greeting.ts", 'export const greeting: string = "hello"')
  })
  afterEach(() => rm(checkout, { recursive: true, force: true }))

  const store = () => ({ folder: join(checkout, "bundles"), unusedMillisMax: 60_000 })
  const find = () => bundleFolder(store(), checkout, { small: "packages/small/src/main.ts" })
  const run = (folder: string) =>
    execFileSync(process.execPath, [join(folder, "small.mjs")], { encoding: "utf8" }).trim()

  it("is the program with its threads and files, made once", async () => {
    const folder = await find()
    assert.strictEqual(run(folder), "hello from a thread of 0.1")
    const made = statSync(folder).ino
    assert.strictEqual(await find(), folder)
    assert.strictEqual(statSync(folder).ino, made)
  })

  it("is another one when anything that it is made of changes", async () => {
    const folders = [await find()]
    await put("packages/small/src/Greeting.ts", 'export const greeting: string = "hallo"')
    folders.push(await find())
    assert.strictEqual(run(folders[1]!), "hallo from a thread of 0.1")
    await put("packages/small/package.json", '{ "version": "0.2" }')
    folders.push(await find())
    assert.strictEqual(run(folders[2]!), "hallo from a thread of 0.2")
    await put("package-lock.json", '{ "lockfileVersion": 3 }')
    folders.push(await find())
    await put("cli/bundle/Bundler.ts", "")
    folders.push(await find())
    assert.strictEqual(new Set(folders).size, 5)
  })

  it("is whole when two make it at once, and leaves nothing beside it", async () => {
    const [one, other] = await Promise.all([find(), find()])
    assert.strictEqual(one, other)
    assert.strictEqual(run(one), "hello from a thread of 0.1")
    assert.lengthOf(readdirSync(store().folder), 1)
  })

  it("is not kept of sources that do not parse", async () => {
    await put("packages/small/src/Greeting.ts", "export const = 1")
    let problem = "none"
    await find().catch((error: Error) => (problem = error.message))
    assert.include(problem, "Greeting.ts")
    assert.deepStrictEqual(readdirSync(store().folder), [])
  })

  it("is removed when another is made and nothing was started from it for long", async () => {
    const old = await find()
    await put("package-lock.json", '{ "lockfileVersion": 2 }')
    const recent = await find()
    const before = new Date(Date.now() - 3_600_000)
    for (const folder of [old, recent]) utimesSync(folder, before, before)
    assert.strictEqual(await find(), recent)
    await put("package-lock.json", '{ "lockfileVersion": 3 }')
    await find()
    assert.deepStrictEqual([existsSync(old), existsSync(recent)], [false, true])
  })
})
