/** A backup by the API: one file that holds all of the state, and tells of itself whether it is whole. */
import { assert, it as one, layer } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { cutWhenStalled } from "../../src/api/BackupDownload.ts"
import { checkBackup, unpackState } from "../../src/backup/BackupFile.ts"
import { openConnection } from "../../src/state/Connection.ts"
import { clusterState } from "../../src/state/ReadCluster.ts"
import { until } from "../../../../test/support/Wait.ts"
import { ask, login } from "../api/support/Client.ts"
import { layerTestMaster, TestLog, TestMaster } from "../api/support/TestMaster.ts"

const path = "/api/v1/cluster/backup"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-backup-"))),
  (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
)

const request = Effect.fnUntraced(function* (init: RequestInit = {}) {
  const { origin } = yield* TestMaster
  const token = yield* login()
  return yield* Effect.promise(() =>
    fetch(`${origin}${path}`, { ...init, headers: { authorization: `Bearer ${token}` } })
  )
})

/** Downloaded as any program would. */
const download = Effect.gen(function* () {
  const response = yield* request()
  assert.strictEqual(response.status, 200)
  const file = join(yield* directory, "a.backup")
  yield* Effect.promise(async () => writeFile(file, new Uint8Array(await response.arrayBuffer())))
  return { file, response }
})

const problemOf = (file: string) =>
  Effect.map(Effect.flip(checkBackup(file)), ({ message }) => message.slice(file.length + 1))

const stateNames = Effect.flatMap(TestMaster, ({ dataDirectory }) =>
  Effect.promise(() => readdir(join(dataDirectory, "state")))
)

layer(layerTestMaster, { excludeTestServices: true })("A backup", (it) => {
  it.effect("holds what was acknowledged before it was asked for, and says what it is", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const body = { name: "Kept", slug: "kept" }
      const made = yield* ask("POST", "/api/v1/organizations", { token, body })
      assert.strictEqual(made.status, 201, made.text)
      const { file, response } = yield* download
      const backup = yield* checkBackup(file)
      const { cluster_version, epoch, index, term } = backup.header
      assert.isAtLeast(index, Number(made.headers.get("x-nxmesh-index")))
      assert.strictEqual(response.headers.get("x-nxmesh-index"), String(index))
      assert.strictEqual(epoch, 1)
      const state = join(yield* directory, "state.db")
      yield* unpackState(backup, state)
      const connection = openConnection(state, { readOnly: true, busyMillisMax: 0 })
      assert.deepStrictEqual(connection.get("SELECT name FROM organizations WHERE slug = 'kept'"), { name: "Kept" })
      assert.deepInclude(clusterState(connection), { clusterVersion: cluster_version })
      assert.deepStrictEqual(connection.get("SELECT value FROM meta WHERE name = 'applied_term'"), {
        value: String(term)
      })
      const audited = connection.get(
        "SELECT outcome, after FROM audit WHERE command = 'RecordBackup' ORDER BY entry DESC"
      )
      assert.deepInclude(audited, { outcome: "accepted" }, "the audit tells of it, also in the backup")
      connection.close()
    })
  )

  it.effect("is refused when a bit of it, or its end, is not as it was made", () =>
    Effect.gen(function* () {
      const { file } = yield* download
      const whole = yield* Effect.promise(() => readFile(file))
      const bad = join(yield* directory, "bad.backup")
      const put = (bytes: Uint8Array) => Effect.promise(() => writeFile(bad, bytes))
      for (const at of [200, Math.floor(whole.length / 2), whole.length - 1]) {
        const changed = Buffer.from(whole)
        changed[at] = changed[at]! ^ 1
        yield* put(changed)
        assert.match(yield* problemOf(bad), /is damaged/, String(at))
      }
      for (const length of [whole.length - 1, whole.length - 32, 600]) {
        yield* put(whole.subarray(0, length))
        assert.match(yield* problemOf(bad), /is damaged or cut short|has no header/, String(length))
      }
      yield* put(whole.subarray(0, 100))
      assert.match(yield* problemOf(bad), /has no header/)
      yield* put(Buffer.concat([Buffer.from("NXMESH-BACKUP 2\n"), whole.subarray(16)]))
      assert.match(yield* problemOf(bad), /has format 2, and this NxMesh reads format 1/)
      yield* put(Buffer.from("SQLite format 3\0"))
      assert.strictEqual(yield* problemOf(bad), "is no backup of NxMesh")
      assert.match(yield* problemOf(`${bad}.none`), /cannot be read: ENOENT/)
    })
  )

  it.effect("is for administrators alone", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask("GET", path)).status, 401)
      const { lines } = yield* TestLog
      yield* download
      assert.isTrue(lines.some((line) => line.includes("a backup is given away")))
    })
  )

  it.effect(
    "is taken one at a time; a client that goes away, or asks for the headers alone, leaves nothing behind",
    () =>
      Effect.gen(function* () {
        const answers = yield* Effect.all([request(), request(), request()], { concurrency: "unbounded" })
        const refused = answers.filter(({ status }) => status === 429)
        for (const answer of refused) assert.isNotNull(answer.headers.get("retry-after"))
        yield* Effect.promise(async () => {
          for (const answer of answers) await answer.body?.cancel()
        })
        yield* request({ method: "HEAD" })
        yield* until(stateNames, (names) => !names.some((name) => name.startsWith("snapshot-0")), {
          fact: "the copy is removed"
        })
        const { file } = yield* download
        assert.isTrue(Exit.isSuccess(yield* Effect.exit(checkBackup(file))))
      })
  )

  it.effect("tells Prometheus when the last one was given away whole", () =>
    Effect.gen(function* () {
      yield* download
      const { text } = yield* ask("GET", "/metrics")
      assert.match(text, /^nxmesh_cluster_last_backup_seconds 1\d{9}$/m)
    })
  )
})

one.effect("A client that takes nothing of a backup for a while is cut off, and one that goes on is not", () =>
  Effect.gen(function* () {
    let cuts = 0
    const cut = Effect.sync(() => void (cuts += 1))
    const minute = Duration.minutes(1)
    const slow = Stream.fromIterable(Array.from({ length: 5 }, () => new Uint8Array(1))).pipe(
      Stream.mapEffect((part) => Effect.delay(Effect.succeed(part), "40 seconds"))
    )
    const taking = yield* Effect.forkChild(Stream.runDrain(yield* cutWhenStalled(slow, minute, cut)))
    yield* TestClock.adjust("200 seconds")
    yield* Fiber.join(taking)
    assert.strictEqual(cuts, 0)
    yield* TestClock.adjust("2 minutes")
    assert.isAtLeast(cuts, 1)
  }).pipe(Effect.scoped)
)
