/** Files that someone changed under a real nginx, and what the agent does about it (design.md, "a drift policy per agent"). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { appendFile, chmod, copyFile, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { Limits } from "@nxmesh/agent/Limits"
import { drifting, driftingOn, type DriftTools } from "./Drifting.ts"
import { edit, get, site, temporaryInstance, Trees, until } from "./Instance.ts"

const key: RenderedFile = { path: "tls/a.key", content: "the settled key\n", mode: 0o600, resource: null }
const hostFile = "http/20-host-a.test.conf"

/** One host and one key, settled, and seen by the watch. */
const settled = (tools: DriftTools) =>
  Effect.gen(function* () {
    const { status } = yield* tools.apply([site("a.test", tools.port, "one"), key])
    assert.strictEqual(status, "settled")
    yield* known(tools)
  })

/** The watch has taken down what serves. */
const known = ({ deployer, instance }: DriftTools) =>
  Effect.gen(function* () {
    const { deploymentId } = yield* deployer.current
    const kept = join(instance.confDirectory, "..", "data", "settled-tree.json")
    yield* until(
      Effect.promise(async () =>
        (await readFile(kept, "utf8").catch(() => "")).includes(`"deployment_id":"${deploymentId}"`)
      )
    )
  })

const serves = ({ port }: DriftTools, body: string) => Effect.map(get(port, "a.test"), (found) => found === body)
const replace = (from: string, to: string) => (text: string) => text.replace(from, to)

describe("drift, by the policy revert", () => {
  it.live("puts an edited file back, tells the difference, and leaves nginx alone that never read it", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* settled(tools)
        const before = yield* tools.text(hostFile)
        yield* edit(yield* tools.place(hostFile), replace("one", "two"))
        const drift = yield* tools.reported(({ response }) => response === "reverted")
        assert.deepStrictEqual(
          drift.files.map(({ kind, path }) => [kind, path]),
          [["changed", hostFile]]
        )
        assert.include(drift.files[0]?.diff, '-    location / { return 200 "one"; }')
        assert.include(drift.files[0]?.diff, '+    location / { return 200 "two"; }')
        assert.strictEqual(yield* tools.text(hostFile), before)
        assert.isTrue(yield* serves(tools, "one"))
        assert.deepStrictEqual(yield* tools.alerts, [])
      })
    )
  )
  it.live("has nginx read the settled files again when it had read others", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* settled(tools)
        yield* tools.exclusive(
          Effect.gen(function* () {
            yield* edit(yield* tools.place(hostFile), replace("one", "two"))
            const pid = Number(yield* Effect.promise(() => readFile(tools.instance.pidFile, "utf8")))
            process.kill(pid, "SIGHUP")
            yield* until(serves(tools, "two"))
          })
        )
        yield* tools.reported(({ response }) => response === "reverted")
        assert.isTrue(yield* serves(tools, "one"))
      })
    )
  )
  it.live(
    "brings back what was removed, removes what was added, and gives a key its mode back without showing it",
    () =>
      drifting((tools) =>
        Effect.gen(function* () {
          yield* settled(tools)
          const [host, secret, added] = [
            yield* tools.place(hostFile),
            yield* tools.place(key.path),
            yield* tools.place("http/99-mine.conf")
          ]
          // Held, so that all of it is found at once.
          yield* tools.exclusive(
            Effect.promise(async () => {
              await rm(host)
              await writeFile(added, "server { listen 127.0.0.1:1; }\n")
              await chmod(secret, 0o644)
              await appendFile(secret, "more of a key")
            })
          )
          const drift = yield* tools.reported(({ files, response }) => response === "reverted" && files.length === 3)
          assert.deepStrictEqual(drift.files.map(({ kind, path }) => `${kind} ${path}`).toSorted(), [
            "added http/99-mine.conf",
            "changed tls/a.key",
            "missing http/20-host-a.test.conf"
          ])
          assert.notInclude(JSON.stringify(drift), "key\\n")
          assert.strictEqual(yield* tools.text(key.path), key.content)
          assert.strictEqual((yield* Effect.promise(() => stat(secret))).mode & 0o777, 0o600)
          const gone = yield* Effect.promise(() =>
            stat(added).then(
              () => false,
              () => true
            )
          )
          assert.isTrue(gone)
          assert.isTrue(yield* serves(tools, "one"))
        })
      )
  )
  it.live("points `current` back", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* settled(tools)
        const link = join(tools.instance.confDirectory, "current")
        yield* Effect.promise(async () => {
          await rm(link)
          await symlink("/tmp", link)
        })
        const drift = yield* tools.reported(({ response }) => response === "reverted")
        assert.deepStrictEqual(
          drift.files.map(({ kind }) => kind),
          ["link"]
        )
        assert.strictEqual(yield* tools.link, (yield* tools.deployer.current).directory)
      })
    )
  )
  it.live("finds what was changed during a deployment, right after it", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* settled(tools)
        const path = yield* tools.place(hostFile)
        yield* tools.exclusive(
          Effect.gen(function* () {
            yield* edit(path, replace("one", "two"))
            yield* Effect.sleep("600 millis") // longer than the watch waits for the rest of a change
            assert.isNull(yield* tools.drift)
          })
        )
        yield* tools.reported(({ response }) => response === "reverted")
      })
    )
  )
  it.live("never takes a deployment of its own for drift", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        for (const body of ["one", "two", "three"]) yield* tools.apply([site("a.test", tools.port, body), key])
        yield* known(tools)
        assert.isNull(yield* tools.drift)
        assert.isTrue(yield* serves(tools, "three"))
      })
    )
  )
  it.live("mends a file in every generation that shares it by hard link", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* settled(tools)
        const first = yield* tools.place(key.path)
        yield* tools.apply([site("a.test", tools.port, "two"), key])
        yield* known(tools)
        const shared = yield* tools.place(key.path)
        yield* Effect.promise(() => appendFile(shared, "evil"))
        yield* tools.reported(({ response }) => response === "reverted")
        assert.strictEqual(yield* Effect.promise(() => readFile(first, "utf8")), key.content)
      })
    )
  )
  it.live("puts back what was changed while the agent was down, without a master", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const trees = new Trees()
      const path = yield* driftingOn(instance, trees, (tools) =>
        Effect.gen(function* () {
          yield* settled(tools)
          // Another generation that has the same text keeps it where an agent that starts again finds it.
          yield* tools.apply([site("a.test", tools.port, "one"), { ...key, content: "another\n" }])
          yield* known(tools)
          return yield* tools.place(hostFile)
        })
      )
      const before = yield* Effect.promise(() => readFile(path, "utf8"))
      yield* Effect.promise(async () => {
        await rm(path)
        await writeFile(path, before.replace("one", "two"))
      })
      yield* driftingOn(instance, trees, ({ reported }) => reported(({ response }) => response === "reverted"))
      assert.strictEqual(yield* Effect.promise(() => readFile(path, "utf8")), before)
    })
  )
  it.live("deploys the held bundle anew when the settled text is nowhere any more", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const trees = new Trees()
      const port = yield* driftingOn(instance, trees, (tools) =>
        Effect.andThen(tools.setDrift("alert"), Effect.as(settled(tools), tools.port))
      )
      yield* driftingOn(instance, trees, (tools) =>
        Effect.gen(function* () {
          const { directory, generation } = yield* tools.deployer.current
          yield* tools.held.keep({ generation, resources: [] })
          // Another rendering than before, as with another address of a backend.
          trees.byGeneration.set(generation, [site("a.test", port, "anew"), key])
          const path = yield* tools.place(hostFile)
          yield* Effect.promise(() => rm(path))
          yield* tools.reported(({ response }) => response === "alerted")
          yield* tools.setDrift("revert")
          yield* tools.reported(({ response }) => response === "reverted")
          assert.notStrictEqual((yield* tools.deployer.current).directory, directory)
          assert.strictEqual(yield* get(port, "a.test"), "anew")
        })
      )
    })
  )
  it.live("does not fight with one who changes a file again and again", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* settled(tools)
        const path = yield* tools.place(hostFile)
        for (let time = 0; time < Limits.revertsAtOnceMax; time++) {
          yield* edit(path, replace("one", "two"))
          yield* until(Effect.map(tools.text(hostFile), (text) => text.includes("one")))
        }
        yield* edit(path, replace("one", "two"))
        yield* tools.reported(({ response }) => response === "alerted")
        assert.include(yield* tools.text(hostFile), "two")
      })
    )
  )
})

describe("drift, by the policies alert and accept", () => {
  it.live("alerts and leaves what was found, until someone puts it back", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* tools.setDrift("alert")
        yield* settled(tools)
        const path = yield* tools.place(hostFile)
        yield* edit(path, replace("one", "two"))
        yield* tools.reported(({ response }) => response === "alerted")
        yield* until(Effect.map(tools.alerts, (alerts) => alerts.some(({ code }) => code === "drift")))
        assert.include(yield* tools.text(hostFile), "two")
        yield* edit(path, replace("two", "one"))
        yield* until(Effect.map(tools.alerts, (alerts) => alerts.length === 0))
        assert.isNotNull(yield* tools.drift)
      })
    )
  )
  it.live("starts from nothing with the next generation, and puts back at once when the policy says so", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* tools.setDrift("alert")
        yield* settled(tools)
        yield* edit(yield* tools.place(hostFile), replace("one", "two"))
        yield* tools.reported(({ response }) => response === "alerted")
        yield* tools.setDrift("revert")
        yield* tools.reported(({ response }) => response === "reverted")
        assert.include(yield* tools.text(hostFile), "one")
        yield* tools.setDrift("alert")
        yield* edit(yield* tools.place(hostFile), replace("one", "three"))
        yield* tools.reported(({ response }) => response === "alerted")
        yield* tools.apply([site("a.test", tools.port, "four"), key])
        yield* until(Effect.map(tools.drift, (drift) => drift === null))
      })
    )
  )
  it.live("offers a host's text to the masters, and says why when they do not take it", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* tools.setDrift("accept")
        yield* settled(tools)
        yield* edit(yield* tools.place(hostFile), replace("one", "two"))
        yield* tools.reported(({ response }) => response === "accepting")
        const offer = yield* tools.offers.next
        assert.deepStrictEqual(
          offer.files.map(({ path }) => path),
          [hostFile]
        )
        assert.include(offer.files[0].found, "two")
        yield* tools.offers.answered(offer, { accepted: false, reason: "nobody wants it" })
        yield* tools.look
        yield* tools.reported(({ response }) => response === "alerted")
        assert.include(yield* tools.text(hostFile), "two")
      })
    )
  )
  it.live("offers nothing that nginx refuses, and nothing but a host's own text", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* tools.setDrift("accept")
        yield* settled(tools)
        const path = yield* tools.place(hostFile)
        const before = yield* tools.text(hostFile)
        yield* edit(path, replace("return 200", "retrun 200"))
        yield* tools.reported(({ response }) => response === "alerted")
        yield* Effect.promise(() => writeFile(path, before))
        yield* Effect.promise(async () => appendFile(join(path, "../90-proof.conf"), "# mine\n"))
        yield* tools.reported(
          ({ files, response }) => response === "alerted" && files[0]?.path === "http/90-proof.conf"
        )
      })
    )
  )
})

describe("drift of what is not the agent's", () => {
  it.live("tells of nginx.conf, and never touches it", () =>
    drifting((tools) =>
      Effect.gen(function* () {
        yield* settled(tools)
        const file = join(tools.instance.prefix ?? "", "nginx.conf")
        yield* edit(file, (text) => `${text}# mine\n`)
        const drift = yield* tools.reported(({ files }) => files.some(({ kind }) => kind === "foreign"))
        assert.strictEqual(drift.response, "alerted")
        assert.deepStrictEqual(
          drift.files.map(({ path }) => path),
          [file]
        )
        assert.include(yield* Effect.promise(() => readFile(file, "utf8")), "# mine")
      })
    )
  )
  it.live("tells of a binary that was replaced under a running nginx", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const binary = join(instance.prefix ?? "", "nginx")
      yield* Effect.promise(() => copyFile(instance.binary, binary))
      yield* driftingOn({ ...instance, binary }, new Trees(), (tools) =>
        Effect.gen(function* () {
          yield* settled(tools)
          // As a package does: another file by the same name.
          yield* Effect.promise(async () => {
            await writeFile(`${binary}.new`, Buffer.concat([await readFile(binary), Buffer.from("more")]), {
              mode: 0o755
            })
            await rename(`${binary}.new`, binary)
          })
          yield* tools.look
          const drift = yield* tools.reported(({ files }) => files.some(({ kind }) => kind === "binary"))
          assert.strictEqual(drift.files[0]?.path, binary)
          assert.include(drift.files[0]?.diff, "upgrade_binary")
          assert.isTrue(yield* serves(tools, "one"))
        })
      )
    })
  )
})
