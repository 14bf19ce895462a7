import { assert, describe, it } from "@effect/vitest"
import { afterCut, type Cut, diskOf, file, type Found, namesWithoutBytes, nothingMore, step } from "./DiskModel.ts"
import type { FileCall } from "./FileCalls.ts"

const write = (path: string, text: string, append = false): FileCall => ({
  kind: "write",
  path,
  base64: Buffer.from(text).toString("base64"),
  append
})
const sync = (path: string): FileCall => ({ kind: "sync", path })
const make = (path: string): FileCall => ({ kind: "make", path })

const whole: Cut = { names: (count) => count, bytes: (count) => ({ count, zeros: false }) }
const textOf = (found: Found | undefined) => (found?.kind === "file" ? found.bytes.toString() : found?.kind)

const left = (cut: Cut, ...calls: ReadonlyArray<FileCall>) => {
  const disk = diskOf(
    new Map([
      ["/d", { kind: "directory" }],
      ["/d/old", file(Buffer.from("old"), 0o600)]
    ])
  )
  for (const call of calls) step(disk, call)
  return new Map([...afterCut(disk, cut)].map(([path, found]) => [path, textOf(found)]))
}

describe("a disk after a power cut", () => {
  it("has no new file whose directory was not fsynced, and may have it all the same", () => {
    const calls = [make("/d/new"), write("/d/new", "new"), sync("/d/new")]
    assert.isFalse(left(nothingMore, ...calls).has("/d/new"))
    assert.strictEqual(left(whole, ...calls).get("/d/new"), "new")
    assert.strictEqual(left(nothingMore, ...calls, sync("/d")).get("/d/new"), "new")
  })

  it("may name a file without its bytes, unless they were fsynced", () => {
    const calls = [make("/d/new"), write("/d/new", "new"), sync("/d")]
    assert.strictEqual(left(namesWithoutBytes, ...calls).get("/d/new"), "")
    assert.strictEqual(left(namesWithoutBytes, ...calls, sync("/d/new")).get("/d/new"), "new")
  })

  it("keeps what an append adds to", () => {
    const appended = write("/d/old", "er", true)
    for (const cut of [nothingMore, namesWithoutBytes]) assert.strictEqual(left(cut, appended).get("/d/old"), "old")
    assert.strictEqual(left(whole, appended).get("/d/old"), "older")
    const zeros: Cut = { names: () => 0, bytes: () => ({ count: 1, zeros: true }) }
    assert.strictEqual(left(zeros, appended).get("/d/old"), "olde\0")
  })

  it("has a renamed file under one name, and never under none", () => {
    const renamed: FileCall = { kind: "rename", path: "/d/old", to: "/d/new" }
    assert.deepStrictEqual([...left(nothingMore, renamed).keys()], ["/d", "/d/old"])
    assert.deepStrictEqual([...left(whole, renamed).keys()], ["/d", "/d/new"])
    const half: Cut = { names: (count) => count - 1, bytes: () => null }
    assert.deepStrictEqual([...left(half, renamed).keys()], ["/d", "/d/old"])
  })

  it("has nothing of a directory whose name did not last", () => {
    const calls: ReadonlyArray<FileCall> = [{ kind: "mkdir", path: "/d/e" }, make("/d/e/f"), sync("/d/e")]
    assert.deepStrictEqual([...left(nothingMore, ...calls).keys()], ["/d", "/d/old"])
  })
})
