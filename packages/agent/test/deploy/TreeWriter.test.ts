import { assert, describe, it } from "@effect/vitest"
import { TreeMemory } from "@nxmesh/agent/deploy/TreeMemory"
import * as TreeWriter from "@nxmesh/agent/deploy/TreeWriter"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { Effect } from "effect"
import { chmod, mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-tree-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)
const file = (name: string, content: string, mode: 0o600 | 0o644 = 0o644): RenderedFile => ({
  path: `http/${name}.conf`,
  content,
  mode,
  resource: null
})
const tree = [file("a", "# a as it was\n"), file("b", "# b\n"), file("key", "# key\n", 0o600)]

/** Writes a first generation, lets someone touch it, and writes the same files again; what was written anew. */
const afterChange = (change: (path: string) => Promise<unknown>) =>
  Effect.gen(function* () {
    const at = yield* root
    const memory = new TreeMemory()
    const [first, second, third] = ["1", "2", "3"].map((name) => join(at, name)) as [string, string, string]
    yield* TreeWriter.write(first, null, tree, memory)
    yield* TreeWriter.write(second, first, tree, memory)
    yield* Effect.promise(() => change(join(second, "http/a.conf")))
    const { files, linkedFiles } = yield* TreeWriter.write(third, second, tree, memory)
    const text = yield* Effect.promise(() => readFile(join(third, "http/a.conf"), "utf8"))
    assert.strictEqual(text, "# a as it was\n")
    assert.strictEqual(files.length + linkedFiles, tree.length)
    return files.map((path) => path.replace(`${third}/`, ""))
  })

describe("TreeWriter", () => {
  it.live("keeps keys, and the directory that they lie in, from everybody else", () =>
    Effect.gen(function* () {
      const at = join(yield* root, "1")
      const key: RenderedFile = { ...file("key", "# key\n", 0o600), path: "tls/a.key" }
      const certificate: RenderedFile = { ...file("certificate", "# certificate\n"), path: "tls/a.crt" }
      yield* TreeWriter.write(at, null, [file("a", "# a\n"), certificate, key], new TreeMemory())
      const modes = yield* Effect.promise(() =>
        Promise.all(
          ["", "http", "http/a.conf", "tls", "tls/a.crt", "tls/a.key"].map(async (path) => {
            const { mode } = await stat(join(at, path))
            return (mode & 0o777).toString(8)
          })
        )
      )
      assert.deepStrictEqual(modes, ["755", "755", "644", "700", "644", "600"])
    })
  )

  it.live("links everything that is what it was, from generation to generation", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* afterChange(() => Promise.resolve()), [])
    })
  )

  const edits: ReadonlyArray<readonly [how: string, change: (path: string) => Promise<unknown>]> = [
    ["edited in place", (path) => writeFile(path, "# edited\n")],
    ["edited in place to as many bytes", (path) => writeFile(path, "# a as it is!\n")],
    [
      "replaced by another of the same size and time",
      async (path) => {
        const { atime, mtime } = await stat(path)
        await writeFile(`${path}.new`, "# a as it is!\n")
        await utimes(`${path}.new`, atime, mtime)
        await rename(`${path}.new`, path)
      }
    ],
    ["made readable for all", (path) => chmod(path, 0o666)],
    ["deleted", (path) => rm(path)]
  ]
  for (const [how, change] of edits) {
    it.live(`writes a file anew that was ${how}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* afterChange(change), ["http/a.conf"])
      })
    )
  }

  it.live("links a file that was only touched, and one of a tree that it does not remember", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* afterChange((path) => utimes(path, 1, 1)), [])
      const at = yield* root
      yield* TreeWriter.write(join(at, "1"), null, tree, new TreeMemory())
      const { linkedFiles } = yield* TreeWriter.write(join(at, "2"), join(at, "1"), tree, new TreeMemory())
      assert.strictEqual(linkedFiles, tree.length)
    })
  )

  it.live("writes what is wanted now, whatever is remembered", () =>
    Effect.gen(function* () {
      const at = yield* root
      const memory = new TreeMemory()
      yield* TreeWriter.write(join(at, "1"), null, tree, memory)
      const changed = [file("a", "# a as it will be\n"), ...tree.slice(1)]
      const { files } = yield* TreeWriter.write(join(at, "2"), join(at, "1"), changed, memory)
      assert.deepStrictEqual(files, [join(at, "2/http/a.conf")])
      assert.strictEqual((yield* Effect.promise(() => stat(join(at, "2/http/key.conf")))).mode & 0o777, 0o600)
    })
  )
})
