/** The data of a master of cluster version 1 are today's as they are, and rise by an entry of the log (rule 6). */
import { assert, describe, it } from "@effect/vitest"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import { Effect } from "effect"
import { cpSync, rmSync } from "node:fs"
import { join } from "node:path"
import { type Answer, client } from "../../../../test/support/Api.ts"
import { program } from "../../../../test/support/Program.ts"
import { ended, environment, login, master } from "../MasterProgram.ts"
import { openConnection } from "../../src/state/Connection.ts"
import { temporaryDirectory } from "../state/TestMaster.ts"
import { layRecordedDirectory, type Recorded } from "./RecordedDirectory.ts"

const manual = { NXMESH_CLUSTER_UPGRADE: "manual" }
const versionOf = ({ body }: Answer): number => body.data.cluster_version

const stateFile = (directory: string): string => join(directory, "state", "state-1.db")

/** What was not moved into the state's file is gone; the log is flushed with every entry. */
const losePower = (directory: string): void => {
  for (const end of ["-wal", "-shm"]) rmSync(`${stateFile(directory)}${end}`, { force: true })
}

const schemaIn = (directory: string): number | undefined => {
  const connection = openConnection(stateFile(directory), { readOnly: false, busyMillisMax: 5_000 })
  const found = connection.get<{ readonly user_version: number }>("PRAGMA user_version")?.user_version
  connection.close()
  return found
}

/** What a start and a login change of themselves. */
const changing = new Set(["meta", "masters", "master_keys", "audit", "sessions"])

const rowsOf = (directory: string, rows: Recorded["rows"]) => {
  const connection = openConnection(stateFile(directory), { readOnly: true, busyMillisMax: 5_000 })
  const found = Object.entries(rows).map(([table, [first]]) => {
    const columns = Object.keys(first ?? { "*": null }).join(", ")
    return [
      table,
      connection.all<Readonly<Record<string, unknown>>>(`SELECT ${columns} FROM ${table} ORDER BY 1, 2`)
    ] as const
  })
  connection.close()
  return Object.fromEntries(found)
}

const without = (rows: Recorded["rows"]) =>
  Object.fromEntries(Object.entries(rows).filter(([table]) => !changing.has(table)))

describe("a data directory of 0.1.0 (rule 6)", { timeout: 180_000 }, () => {
  it.live("is at cluster version 1 when it is converted, and rises like any other", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const rows = layRecordedDirectory(directory)
      const { api: origin } = yield* master(directory, manual)
      const token = yield* login(origin)
      const api = client(origin, () => `Bearer ${token}`)
      assert.strictEqual(versionOf(yield* api.request("GET", "/api/v1/cluster")), 1)
      const { cluster_version } = yield* api.expect(200, "POST", "/api/v1/cluster/version", { version: 2 })
      assert.strictEqual(cluster_version, 2)
      assert.lengthOf(yield* api.expect(200, "GET", "/api/v1/virtual-hosts"), rows["virtual_hosts"]!.length)
    })
  )
})

describe("a data directory of cluster version 1 (rule 6)", { timeout: 180_000 }, () => {
  it.live(
    "has all that was acknowledged, stays at version 1, rises when it is told, and is refused by its old build then",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const rows = layRecordedDirectory(directory, "version-1")

        const first = yield* master(directory, manual)
        const token = yield* login(first.api)
        const api = client(first.api, () => `Bearer ${token}`)
        assert.deepStrictEqual(without(rowsOf(directory, rows)), without(rows))
        const before = yield* api.request("GET", "/api/v1/cluster")
        assert.strictEqual(versionOf(before), 1)
        assert.include(JSON.stringify(before.body.data.advice), "every master knows version 2")
        // It writes as a master of version 1.
        yield* api.expect(201, "POST", "/api/v1/organizations", { name: "Later", slug: "later" })
        yield* first.end("SIGTERM")

        const second = yield* master(directory, manual)
        const again = client(second.api, () => `Bearer ${token}`)
        assert.strictEqual(versionOf(yield* again.request("GET", "/api/v1/cluster")), 1)
        const { highest } = clusterVersions
        for (let version = 2; version <= highest; version += 1) {
          const risen = yield* again.expect(200, "POST", "/api/v1/cluster/version", { version })
          assert.strictEqual(risen.cluster_version, version)
        }
        const beyond = yield* again.request("POST", "/api/v1/cluster/version", { version: highest + 1 })
        assert.strictEqual(beyond.status, 422)
        yield* second.end("SIGKILL")

        const third = yield* master(directory, manual)
        const last = client(third.api, () => `Bearer ${token}`)
        const after = yield* last.request("GET", "/api/v1/cluster")
        assert.strictEqual(versionOf(after), highest)
        assert.notInclude(JSON.stringify(after.body.data.advice), "version")
        assert.lengthOf(
          yield* last.expect(200, "GET", "/api/v1/virtual-hosts?per_page=100"),
          rows["virtual_hosts"]!.length
        )
        yield* third.end("SIGTERM")

        const older = yield* program({ path: "test/support/OlderMaster.ts", environment: environment(directory) })
        assert.notStrictEqual(yield* ended(older), 0)
        assert.include(
          older.output(),
          `the state is at cluster version ${highest}, and this NxMesh knows versions 1 to 1`
        )
        assert.include(older.output(), "start the newer NxMesh again")
      })
  )

  it.live("takes the step again from the log after a power cut, and the old build stops at its entry", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      layRecordedDirectory(directory, "version-1")
      const first = yield* master(directory, manual)
      const token = yield* login(first.api)
      const api = client(first.api, () => `Bearer ${token}`)
      yield* api.expect(200, "POST", "/api/v1/cluster/version", { version: 2 })
      yield* first.end("SIGKILL")
      losePower(directory)
      const forOlder = yield* temporaryDirectory
      cpSync(directory, forOlder, { recursive: true })
      assert.deepStrictEqual([schemaIn(directory), schemaIn(forOlder)], [2, 2], "the file is that of before the step")

      const older = yield* program({ path: "test/support/OlderMaster.ts", environment: environment(forOlder) })
      assert.notStrictEqual(yield* ended(older), 0)
      assert.include(older.output(), "the state is at cluster version 2, and this NxMesh knows versions 1 to 1")
      assert.strictEqual(schemaIn(forOlder), 2, "it changed nothing")

      const second = yield* master(directory, manual)
      const again = client(second.api, () => `Bearer ${token}`)
      assert.strictEqual(versionOf(yield* again.request("GET", "/api/v1/cluster")), 2)
      yield* second.end("SIGTERM")
      assert.strictEqual(schemaIn(directory), 3)
    })
  )
})
