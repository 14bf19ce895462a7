/** A backup says which builds may restore it, and is restored at the cluster version that it has (rules 6 and 20). */
import { assert, describe, it } from "@effect/vitest"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import { ClusterId } from "@nxmesh/protocol/Ids"
import type { BackupHeader } from "@nxmesh/protocol/model/Backup"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { client } from "../../../../test/support/Api.ts"
import { restoreProblem } from "../../src/recovery/Restore.ts"
import { nxmesh } from "../cli/CommandLine.ts"
import { uuid } from "../config/Fixtures.ts"
import { layRecordedDirectory } from "../legacy/RecordedDirectory.ts"
import { directory, login, master } from "../MasterProgram.ts"

const header: BackupHeader = {
  cluster_id: ClusterId.make(uuid(0xc, 1)),
  cluster_version: clusterVersions.highest,
  epoch: 1,
  index: 9,
  term: 1,
  created_at: "2026-03-02T14:30:00.000Z",
  nxmesh_version: "9.9.9",
  key_id: "0123456789abcdef",
  state_bytes: 4_096
}
const key = { keyIds: [header.key_id], keyFile: "/etc/nxmesh/secrets.key" }

describe("a backup", () => {
  it("of a cluster version that this build does not know names the one that knows it", () => {
    assert.isNull(restoreProblem(header, key))
    assert.isNull(restoreProblem({ ...header, cluster_version: clusterVersions.lowest }, key))
    for (const cluster_version of [clusterVersions.lowest - 1, clusterVersions.highest + 1]) {
      const problem = restoreProblem({ ...header, cluster_version }, key)
      assert.match(
        problem ?? "",
        /of cluster version \d+, and this NxMesh knows 1 to \d+: restore it with NxMesh 9\.9\.9/
      )
    }
  })

  it("sealed with another key names both keys, and where to put the right one", () => {
    const problem = restoreProblem(header, { ...key, keyIds: ["fedcba9876543210"] })
    assert.match(problem ?? "", /0123456789abcdef, and \/etc\/nxmesh\/secrets\.key holds the key fedcba9876543210/)
    assert.include(problem ?? "", "NXMESH_SECRETS_KEY_FILE")
  })
})

describe("a cluster of version 1", { timeout: 120_000 }, () => {
  const manual = { NXMESH_CLUSTER_UPGRADE: "manual" }

  it.live("is backed up, restored at version 1 with all that it had, and rises like any other", () =>
    Effect.gen(function* () {
      const recorded = yield* directory
      const rows = layRecordedDirectory(recorded, "version-1")
      const running = yield* master(recorded, manual)
      const file = join(yield* directory, "a.backup")
      const token = yield* login(running.api)
      yield* Effect.promise(async () => {
        const answer = await fetch(`${running.api}/api/v1/cluster/backup`, {
          headers: { authorization: `Bearer ${token}` }
        })
        await writeFile(file, new Uint8Array(await answer.arrayBuffer()))
      })
      assert.include(running.output(), "of which the audit does not tell")
      yield* running.end("SIGKILL")

      const restored = yield* directory
      const place = {
        url: "http://127.0.0.1:1",
        sessionFile: "/nonexistent/sessions.json",
        environment: { NXMESH_SECRETS_KEY_FILE: join(recorded, "secrets.key") }
      }
      const done = yield* nxmesh(place, "restore", "--from", file, "--data-dir", restored, "--json")
      assert.strictEqual(done.code, 0, done.err)
      assert.strictEqual(JSON.parse(done.out).cluster_version, 1)
      const successor = yield* master(restored, { ...manual, ...place.environment })
      const again = yield* login(successor.api)
      const api = client(successor.api, () => `Bearer ${again}`)
      const cluster = yield* api.expect(200, "GET", "/api/v1/cluster")
      assert.deepInclude(cluster, { cluster_version: 1, frozen: true })
      assert.lengthOf(
        yield* api.expect(200, "GET", "/api/v1/virtual-hosts?per_page=200"),
        rows["virtual_hosts"]!.length
      )
      const risen = yield* api.expect(200, "POST", "/api/v1/cluster/version", { version: 2 })
      assert.strictEqual(risen.cluster_version, 2)
    })
  )
})
