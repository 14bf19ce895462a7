import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { canUseNamespaces } from "../support/Namespaces.ts"
import { smallDisk } from "../support/SmallDisk.ts"

const problemOf = (write: () => void): string => {
  try {
    write()
    return "none"
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown"
  }
}

describe.skipIf(!canUseNamespaces())("a small disk", () => {
  it.live("takes nothing while it is full, everything again after, and is gone with the scope", () =>
    Effect.gen(function* () {
      const path = yield* Effect.scoped(
        Effect.gen(function* () {
          const disk = yield* smallDisk(16)
          const file = join(disk.path, "file")
          writeFileSync(file, "before")
          yield* disk.fill
          assert.strictEqual(
            problemOf(() => writeFileSync(join(disk.path, "other"), "more")),
            "ENOSPC"
          )
          yield* disk.free
          writeFileSync(join(disk.path, "other"), "more")
          assert.strictEqual(readFileSync(file, "utf8"), "before")
          return disk.path
        })
      )
      assert.isFalse(existsSync(path))
      assert.notInclude(readFileSync("/proc/mounts", "utf8"), path)
    })
  )
})
