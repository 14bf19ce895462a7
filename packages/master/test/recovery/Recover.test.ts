/** A master whose cluster lost its majority goes on alone, with all that its log holds. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { nxmesh, type Place } from "../cli/CommandLine.ts"
import { directory, ended, environment, login, master } from "../MasterProgram.ts"
import { sealed } from "../state/TestMaster.ts"
import { nextEpoch } from "../../src/recovery/Successor.ts"
import { program } from "../../../../test/support/Program.ts"

const asked = (api: string, token: string, path: string, body?: unknown) =>
  Effect.promise(async () => {
    const response = await fetch(`${api}/api/v1${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return (await response.json()) as any
  })

const place: Effect.Effect<Place, never, never> = Effect.succeed({
  url: "http://127.0.0.1:1",
  sessionFile: "/nonexistent/sessions.json"
})

const recover = (dataDirectory: string, ...more: ReadonlyArray<string>) =>
  Effect.flatMap(place, (at) => nxmesh(at, "cluster", "recover", "--data-dir", dataDirectory, ...more))

const readJson = (path: string) => Effect.promise(async () => JSON.parse(await readFile(path, "utf8")) as any)

/** What a master that was killed leaves, with organizations that were acknowledged. */
const survivor = Effect.gen(function* () {
  const dataDirectory = yield* directory
  const running = yield* master(dataDirectory)
  const token = yield* login(running.api)
  for (const slug of ["a", "b"]) yield* asked(running.api, token, "/organizations", { name: slug, slug })
  const cluster = (yield* asked(running.api, token, "/cluster")).data
  yield* running.end("SIGKILL")
  return { dataDirectory, cluster }
})

const copyOf = (from: string, names: ReadonlyArray<string>, to: string) =>
  Effect.promise(async () => {
    for (const name of names) {
      await rm(join(to, name), { recursive: true, force: true })
      await cp(join(from, name), join(to, name), { recursive: true })
    }
  })

describe("nxmesh cluster recover", { timeout: 120_000 }, () => {
  it("opens an epoch above the one before and above that of an earlier restore", () => {
    assert.strictEqual(nextEpoch(1, 1_700_000_000_500), 1_700_000_000)
    assert.strictEqual(nextEpoch(1_700_000_000, 1_700_000_000_500), 1_700_000_001)
    assert.strictEqual(nextEpoch(7, 0), 8)
  })

  it.live("only looks with --inspect, and does nothing without --yes", () =>
    Effect.gen(function* () {
      const { cluster, dataDirectory } = yield* survivor
      const before = yield* readJson(join(dataDirectory, "node.json"))
      const inspected = yield* recover(dataDirectory, "--inspect", "--json")
      assert.strictEqual(inspected.code, 0, inspected.err)
      const found = JSON.parse(inspected.out)
      assert.deepInclude(found, { cluster_id: cluster.cluster_id, node_id: before.node_id, under_way: null })
      assert.isAtLeast(found.log.last_index, cluster.applied_index)
      assert.isAtLeast(found.log.last_term, cluster.term)
      const text = yield* recover(dataDirectory, "--inspect")
      assert.include(text.out, `ends with index ${found.log.last_index} of term ${found.log.last_term}`)
      const unsure = yield* recover(dataDirectory)
      assert.strictEqual(unsure.code, 2)
      assert.include(unsure.err, "add --yes")
      assert.deepStrictEqual(yield* readJson(join(dataDirectory, "node.json")), before)
      const none = yield* recover(yield* directory, "--inspect")
      assert.strictEqual(none.code, 1)
    })
  )

  it.live("refuses a master that never had a state, and leaves it as it is", () =>
    Effect.gen(function* () {
      const { dataDirectory } = yield* survivor
      const forming = {
        cluster_id: "0190a000-0000-7000-8000-00000000c001",
        ca_certificate_pem: "",
        ca_private_key: sealed("key")
      }
      yield* Effect.promise(() => writeFile(join(dataDirectory, "forming.json"), JSON.stringify(forming)))
      const refused = yield* recover(dataDirectory, "--yes")
      assert.strictEqual(refused.code, 1)
      assert.include(refused.err, "had not made its cluster yet")
      assert.notInclude(yield* Effect.promise(() => readdir(dataDirectory)), "recovery.json")
    })
  )

  it.live("that was cut short starts no master, and goes on with the same command, wherever it was cut", () =>
    Effect.gen(function* () {
      const { cluster, dataDirectory: base } = yield* survivor
      const baseNames = ["node.json", "raft", "state", "secrets.key"]
      const done = yield* directory
      yield* copyOf(base, baseNames, done)
      const mark = {
        reason: "recovered",
        cluster_id: "0190a000-0000-7000-8000-00000000c001",
        node_id: "0190a000-0000-7000-8000-0000000000a1"
      }
      const aside = `raft.before-${mark.node_id}`
      const cuts: ReadonlyArray<readonly [cut: string, lay: (to: string) => Effect.Effect<void>]> = [
        ["nothing but the mark", () => Effect.void],
        ["the state went on", (to) => copyOf(done, ["state"], to)],
        [
          "the log was put aside",
          (to) =>
            Effect.andThen(
              copyOf(done, ["state"], to),
              Effect.promise(() => rename(join(to, "raft"), join(to, aside)))
            )
        ],
        ["Raft has the state", (to) => copyOf(done, ["state", "raft", aside], to)],
        ["the identity is written", (to) => copyOf(done, ["state", "raft", aside, "node.json"], to)]
      ]
      yield* Effect.promise(() => writeFile(join(done, "recovery.json"), JSON.stringify(mark)))
      const whole = yield* recover(done, "--yes")
      assert.strictEqual(whole.code, 0, whole.err)
      for (const [cut, lay] of cuts) {
        const to = yield* directory
        yield* copyOf(base, baseNames, to)
        yield* lay(to)
        yield* Effect.promise(() => writeFile(join(to, "recovery.json"), JSON.stringify(mark)))
        yield* Effect.promise(() => mkdir(join(to, "raft.seeding")))
        const half = yield* program({ path: "packages/master/src/main.ts", environment: environment(to) })
        assert.strictEqual(yield* ended(half), 1, cut)
        assert.include(half.output(), "`nxmesh cluster recover` was cut short there")
        const again = yield* recover(to, "--yes")
        assert.strictEqual(again.code, 0, `${cut}: ${again.err}`)
        assert.include(yield* Effect.promise(() => readdir(to)), aside)
        const running = yield* master(to)
        const token = yield* login(running.api)
        const organizations = (yield* asked(running.api, token, "/organizations")).data
        assert.lengthOf(organizations, 2, cut)
        const now = (yield* asked(running.api, token, "/cluster")).data
        assert.deepInclude(now, { frozen: true, cluster_id: mark.cluster_id }, cut)
        assert.isAbove(now.epoch, cluster.epoch)
        assert.deepStrictEqual(
          now.masters.map(({ id, role }: any) => [id, role]),
          [[mark.node_id, "leader"]],
          cut
        )
        yield* running.end("SIGKILL")
      }
    })
  )
})
