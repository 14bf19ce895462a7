import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { leftoversPart } from "../../cli/tooling/Leftovers.ts"
import { belongsToRun, endLeftProcesses, leftProcesses } from "../../cli/tooling/LeftProcesses.ts"
import { leftFiles, makeRunFolder, removeRunFolder } from "../../cli/tooling/RunFolder.ts"
import type { RunFolder } from "../../cli/tooling/RunFolder.ts"
import { addedLines } from "../../cli/tooling/WorkTree.ts"

describe("what a run left behind", () => {
  let run: RunFolder
  beforeEach(async () => {
    run = await makeRunFolder()
  })
  afterEach(() => removeRunFolder(run))

  const facts = { environment: "", command: "", openPaths: [] }

  it("is known by the environment of a process", () => {
    assert.isTrue(belongsToRun({ ...facts, environment: `A=1\0NXMESH_TEST_RUN=${run.id}\0` }, run))
    assert.isFalse(belongsToRun({ ...facts, environment: `NXMESH_TEST_RUN=${run.id}x\0` }, run))
  })

  it("is known by command line or open files where nginx has overwritten its environment", () => {
    assert.isTrue(belongsToRun({ ...facts, command: `nginx: master process nginx -p ${run.path}/a` }, run))
    assert.isTrue(belongsToRun({ ...facts, openPaths: ["/dev/null", `${run.path}/error.log`] }, run))
    assert.isFalse(belongsToRun({ ...facts, openPaths: [`${run.path}x/error.log`] }, run))
  })

  it("are processes, which are named and ended", async () => {
    const child = spawn("sleep", ["1000"], { env: { ...process.env, ...run.env }, detached: true, stdio: "ignore" })
    const left = await leftProcesses(run, 100)
    assert.deepStrictEqual(left, [{ pid: child.pid ?? 0, command: "sleep 1000" }])
    const ended = once(child, "exit")
    endLeftProcesses(left)
    assert.deepStrictEqual(await ended, [null, "SIGKILL"])
    assert.deepStrictEqual(await leftProcesses(run, 100), [])
  })

  it("are files, which are named and removed", async () => {
    await mkdir(join(run.path, "a"))
    await writeFile(join(run.path, "a", "b"), "")
    const part = await leftoversPart({ run, statusBefore: undefined, changesFail: true })
    assert.deepStrictEqual(part.failures, [`left a file: ${join(run.path, "a")}`])
    assert.strictEqual(part.failed, 1)
  })

  it("is nothing after a clean run", async () => {
    assert.deepStrictEqual(await leftFiles(run), [])
    const part = await leftoversPart({ run, statusBefore: undefined, changesFail: true })
    assert.strictEqual(part.passed, 1)
  })

  it("is a change of the checkout that was not there before", () => {
    assert.deepStrictEqual(addedLines([" M a"], [" M a", "?? b"]), ["?? b"])
    assert.deepStrictEqual(addedLines(undefined, ["?? b"]), [])
  })
})
