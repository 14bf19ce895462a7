import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { setAside } from "../../src/consensus/SetAside.ts"

/** A data directory with this in `raft` and `state`, and a mark. */
const laid = (content: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const directory = mkdtempSync(join(tmpdir(), "nxmesh-aside-"))
      for (const name of ["raft", "state"]) lay(directory, name, content)
      writeFileSync(join(directory, "diverged.json"), "{}")
      writeFileSync(join(directory, "node.json"), "{}")
      return directory
    }),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )

const lay = (directory: string, name: string, content: string) => {
  mkdirSync(join(directory, name), { recursive: true })
  writeFileSync(join(directory, name, "file"), content)
}

const contentOf = (directory: string, name: string) => readFileSync(join(directory, name, "file"), "utf8")
const moved = ["raft", "state", "diverged.json"]

describe("a log and a state that are set aside", () => {
  it.live("leave their place, and the identity stays", () =>
    Effect.gen(function* () {
      const directory = yield* laid("old")
      yield* setAside(directory, "diverged-7")
      assert.deepStrictEqual(readdirSync(directory).toSorted(), ["diverged-7", "node.json"])
      assert.deepStrictEqual(readdirSync(join(directory, "diverged-7")).toSorted(), moved.toSorted())
    })
  )

  it.live("are the same ones wherever a start is cut short, and what it made meanwhile does not replace them", () =>
    Effect.gen(function* () {
      for (let steps = 0; steps <= moved.length; steps++) {
        const directory = yield* laid("old")
        // Cut short after so many steps, and the next start had got as far as an empty state.
        const target = join(directory, "diverged-7")
        mkdirSync(target)
        for (const name of moved.slice(0, steps)) {
          if (name === "diverged.json") writeFileSync(join(target, name), "{}")
          else lay(target, name, "old")
          rmSync(join(directory, name), { recursive: true })
        }
        if (steps >= 2) lay(directory, "state", "empty")
        yield* setAside(directory, "diverged-7")
        assert.strictEqual(contentOf(target, "raft"), "old", `${steps}`)
        assert.strictEqual(contentOf(target, "state"), "old", `${steps}`)
        assert.isFalse(existsSync(join(directory, "raft")), `${steps}`)
        assert.isFalse(existsSync(join(directory, "diverged.json")), `${steps}`)
        yield* setAside(directory, "diverged-7")
        assert.strictEqual(contentOf(target, "state"), "old", `${steps}`)
      }
    })
  )

  it.live("are kept once: those of before go", () =>
    Effect.gen(function* () {
      const directory = yield* laid("old")
      for (const name of ["diverged-3", "replaced", "replaced-2"]) lay(directory, name, "older")
      lay(directory, "diverged-notes", "an operator's")
      yield* setAside(directory, "diverged-7")
      assert.deepStrictEqual(readdirSync(directory).toSorted(), ["diverged-7", "diverged-notes", "node.json"])
    })
  )
})
