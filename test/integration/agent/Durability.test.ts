import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { script } from "../../support/Scripts.ts"

const runner = await script("agentThatStages")

const directory = Effect.acquireRelease(
  Effect.promise(async () => realpath(await mkdtemp(join(tmpdir(), "nxmesh-durability-")))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** The calls that make things last, in order: `fsync PATH`, `syncfs PATH`, `rename PATH`; paths relative to the root. */
const traced = (root: string, ...rest: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const trace = join(root, "trace")
    await mkdir(join(root, "conf.d"), { recursive: true })
    await promisify(execFile)("strace", [
      ...["-f", "-y", "-qq", "-o", trace, "-e", "trace=fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat"],
      ...[process.execPath, runner, join(root, "conf.d"), ...rest]
    ])
    const below = `${root}/`
    const calls = (await readFile(trace, "utf8")).split("\n").flatMap((line) => {
      const sync = /\b(fsync|syncfs)\(\d+<([^>]+)>/.exec(line)
      const renamed = /\b(rename)(?:at2?)?\(.*"([^"]+)"(?:, 0)?\)? *(?:= 0|<unfinished)/.exec(line)
      const [, call, path] = sync ?? renamed ?? []
      // Node keeps files of its own, elsewhere.
      return path?.startsWith(below) ? [`${call} ${path.slice(below.length)}`] : []
    })
    const links = (await readFile(trace, "utf8")).match(/\blink(?:at)?\(/g)?.length ?? 0
    return { calls, links }
  })

describe("what a power cut leaves", () => {
  it.live("is a link on a whole tree: files, their directories, the root, the link, the root again", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const { calls } = yield* traced(root, "2")
      const name = "conf.d/20260302143000-000001"
      const files = calls.slice(0, 2).toSorted()
      assert.deepStrictEqual(files, [`fsync ${name}/http/20-host-0.conf`, `fsync ${name}/http/20-host-1.conf`])
      assert.deepStrictEqual(calls.slice(2), [
        `fsync ${name}/http`,
        `fsync ${name}`,
        "fsync conf.d",
        "rename conf.d/current",
        "fsync conf.d"
      ])
    })
  )

  it.live("costs one fsync of a file when one of many changed, and one syncfs when all of very many did", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const many = yield* traced(root, "1000")
      const first = "conf.d/20260302143000-000001"
      assert.deepStrictEqual(many.calls.slice(0, 2), [`syncfs ${first}`, `fsync ${first}/http`])
      const next = yield* traced(root, "1000", "20260302143000-000001")
      const second = "conf.d/20260302143000-000002"
      assert.deepStrictEqual(next.calls.slice(0, 2), [`fsync ${second}/http/20-host-0.conf`, `fsync ${second}/http`])
      assert.strictEqual(next.links, 999)
    })
  )
})
