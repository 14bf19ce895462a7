/** A cluster that is lost goes on from its backup, as another one: with the command line and the program itself. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { cp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { nxmesh, type Place } from "../cli/CommandLine.ts"
import { directory, email, ended, environment, login, master, password } from "../MasterProgram.ts"
import { program } from "../../../../test/support/Program.ts"

const get = (api: string, token: string, path: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${api}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } })
    return (await response.json()) as any
  })

const makeOrganization = (api: string, token: string, slug: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${api}/api/v1/organizations`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ name: slug, slug })
    })
    assert.strictEqual(response.status, 201)
  })

const slugs = (answer: any): ReadonlyArray<string> => answer.data.map(({ slug }: { slug: string }) => slug).toSorted()

/** A command line in a place of its own. */
const placeFor = Effect.fnUntraced(function* (more: Readonly<Record<string, string>> = {}) {
  const path = yield* directory
  const passwordFile = join(path, "password")
  yield* Effect.promise(() => writeFile(passwordFile, password))
  const place: Place = { url: "http://127.0.0.1:1", sessionFile: join(path, "sessions.json"), environment: more }
  return { path, passwordFile, place }
})

/** A master of a cluster with one organization, of which a backup is taken; another organization comes after it. */
const lostCluster = Effect.gen(function* () {
  const dataDirectory = yield* directory
  const { passwordFile, path, place } = yield* placeFor()
  const running = yield* master(dataDirectory)
  const token = yield* login(running.api)
  yield* makeOrganization(running.api, token, "before")
  const at = { ...place, url: running.api }
  const file = join(path, "a.backup")
  const loggedIn = yield* nxmesh(at, "login", "--email", email, "--password-file", passwordFile)
  assert.strictEqual(loggedIn.code, 0, loggedIn.err)
  const tokenMade = yield* nxmesh(at, "cluster", "token", "create")
  assert.strictEqual(tokenMade.code, 0, tokenMade.err)
  const taken = yield* nxmesh(at, "backup", "--output", file)
  assert.strictEqual(taken.code, 0, taken.err)
  yield* makeOrganization(running.api, token, "after")
  const cluster = (yield* get(running.api, token, "/cluster")).data
  yield* running.end("SIGKILL")
  const keyFile = join(dataDirectory, "secrets.key")
  return { file, keyFile, path, cluster, dataDirectory, taken, at }
})

const restoreInto = (dataDirectory: string, { file, keyFile }: { file: string; keyFile: string }) =>
  Effect.flatMap(placeFor({ NXMESH_SECRETS_KEY_FILE: keyFile, NXMESH_NODE_NAME: "r1" }), ({ place }) =>
    nxmesh(place, "restore", "--from", file, "--data-dir", dataDirectory)
  )

const names = (path: string) => Effect.promise(() => readdir(path))

describe("A cluster restored from a backup", { timeout: 90_000 }, () => {
  it.live("has what the backup has, is frozen in a new epoch, and is another cluster (rule 20)", () =>
    Effect.gen(function* () {
      const lost = yield* lostCluster
      assert.match(lost.taken.out, /^backup .*, whole\nsha-256 +[0-9a-f]{64}\n/)
      assert.strictEqual((yield* Effect.promise(() => stat(lost.file))).mode & 0o777, 0o600)
      assert.isFalse(existsSync(`${lost.file}.part`))
      const shown = yield* nxmesh(lost.at, "backup", "show", lost.file)
      assert.strictEqual(shown.out, lost.taken.out)
      const again = yield* nxmesh(lost.at, "backup", "--output", lost.file)
      assert.include(again.err, "is there already")

      const dataDirectory = yield* directory
      const restored = yield* restoreInto(dataDirectory, lost)
      assert.strictEqual(restored.code, 0, restored.err)
      assert.notInclude(yield* names(dataDirectory), "recovery.json")
      const running = yield* master(dataDirectory, { NXMESH_SECRETS_KEY_FILE: lost.keyFile, NXMESH_NODE_NAME: "r1" })
      const token = yield* login(running.api)
      assert.deepStrictEqual(slugs(yield* get(running.api, token, "/organizations")), ["before"])
      const cluster = (yield* get(running.api, token, "/cluster")).data
      assert.isTrue(cluster.frozen)
      assert.match(cluster.freeze_reason, /^restored from a backup/)
      assert.isAbove(cluster.epoch, lost.cluster.epoch)
      assert.strictEqual(cluster.cluster_version, lost.cluster.cluster_version)
      assert.notStrictEqual(cluster.cluster_id, lost.cluster.cluster_id)
      assert.deepStrictEqual(
        cluster.masters.map(({ name, role }: any) => [name, role]),
        [["r1", "leader"]]
      )
      assert.notStrictEqual(cluster.masters[0].id, lost.cluster.masters[0].id)
      assert.deepStrictEqual((yield* get(running.api, token, "/cluster/join-tokens")).data, [])
      const authority = async (path: string) =>
        JSON.parse(await readFile(join(path, "node.json"), "utf8")).authority_pem
      assert.strictEqual(
        yield* Effect.promise(() => authority(dataDirectory)),
        yield* Effect.promise(() => authority(lost.dataDirectory))
      )
      yield* makeOrganization(running.api, token, "later")
      yield* running.end("SIGTERM")
      const restarted = yield* master(dataDirectory, { NXMESH_SECRETS_KEY_FILE: lost.keyFile, NXMESH_NODE_NAME: "r1" })
      const later = yield* login(restarted.api)
      assert.deepStrictEqual(slugs(yield* get(restarted.api, later, "/organizations")), ["before", "later"])
    })
  )

  it.live("is made from an empty directory, with the cluster's key file, or not at all", () =>
    Effect.gen(function* () {
      const lost = yield* lostCluster
      const otherKey = join(lost.path, "other.key")
      yield* Effect.promise(() => writeFile(otherKey, Buffer.alloc(32, 7), { mode: 0o600 }))
      const empty = yield* directory
      const wrongKey = yield* restoreInto(empty, { ...lost, keyFile: otherKey })
      assert.strictEqual(wrongKey.code, 1)
      assert.match(wrongKey.err, /the backup was sealed with the key [0-9a-f]{16}, and .*other\.key holds the key/)
      const noKey = yield* restoreInto(empty, { ...lost, keyFile: `${otherKey}.none` })
      assert.include(noKey.err, `${otherKey}.none`)
      const used = yield* restoreInto(lost.dataDirectory, lost)
      assert.match(used.err, /is not empty \(.*node\.json.*\): a backup is restored into an empty data directory/)
      assert.deepStrictEqual(
        (yield* names(empty)).filter((name) => !name.startsWith("lock")),
        []
      )
    })
  )

  it.live("that was cut short starts no master, and is made by the same command, wherever it was cut", () =>
    Effect.gen(function* () {
      const lost = yield* lostCluster
      const whole = yield* directory
      assert.strictEqual((yield* restoreInto(whole, lost)).code, 0)
      const mark = { reason: "restored", cluster_id: lost.cluster.cluster_id, node_id: lost.cluster.masters[0].id }
      const cuts: ReadonlyArray<ReadonlyArray<string>> = [
        [],
        ["state"],
        ["state", "raft"],
        ["state", "raft", "node.json"]
      ]
      for (const left of cuts) {
        const cut = yield* directory
        yield* Effect.promise(async () => {
          for (const name of left) await cp(join(whole, name), join(cut, name), { recursive: true })
          await writeFile(join(cut, "restoring.db"), "half")
          await writeFile(join(cut, "recovery.json"), JSON.stringify(mark))
        })
        const refused = yield* program({
          path: "packages/master/src/main.ts",
          environment: { ...environment(cut), NXMESH_SECRETS_KEY_FILE: lost.keyFile }
        })
        assert.strictEqual(yield* ended(refused), 1)
        assert.include(refused.output(), "`nxmesh restore` was cut short there. Run it again")
        const again = yield* restoreInto(cut, lost)
        assert.strictEqual(again.code, 0, again.err)
        const found = (yield* names(cut)).filter((name) => !name.startsWith("lock")).toSorted()
        assert.deepStrictEqual(found, ["node.json", "raft", "state"], left.join(" "))
      }
      yield* Effect.promise(() => rm(whole, { recursive: true }))
    })
  )

  it.live("is refused while a master runs in the directory", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* directory
      yield* master(dataDirectory)
      const { place } = yield* placeFor()
      const inspected = yield* nxmesh(place, "cluster", "recover", "--inspect", "--data-dir", dataDirectory)
      assert.strictEqual(inspected.code, 1)
      assert.include(inspected.err, "is in use by another nxmesh-master")
    })
  )
})
