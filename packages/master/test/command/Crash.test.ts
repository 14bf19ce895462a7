/** Goal: nothing acknowledged is lost and nothing is half done, whenever the process dies. Method: kill -9, many times, one directory. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { execPath } from "node:process"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { script } from "../../../../test/support/Scripts.ts"
import { auditAnchor, auditHash, type AuditRow } from "../../src/state/apply/AuditChain.ts"
import { Commands } from "../../src/command/Commands.ts"
import { Database } from "../../src/state/Database.ts"
import { Reads } from "../../src/state/Reads.ts"
import { hostId } from "../config/Fixtures.ts"
import { raftMasterLayer, temporaryDirectory } from "../state/TestMaster.ts"

const child = await script("masterUntilKilled")

/**
 * Runs the child until it has acknowledged so many, and, when it is bulky, has cut its log; kills it, and answers all that
 * it acknowledged.
 */
const runAndKill = (directory: string, first: number, killAfter: number, size: "small" | "bulky" = "small") =>
  Effect.callback<ReadonlyArray<number>, Error>((resume) => {
    const process = spawn(execPath, [child, directory, String(first), size], { stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    let errors = ""
    process.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString()
      const wasCut = size === "small" || output.includes("cut\n")
      if (wasCut && output.split("\n").length > killAfter) process.kill("SIGKILL")
    })
    process.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()))
    process.on("close", (_, signal) => {
      if (signal !== "SIGKILL") return resume(Effect.fail(new Error(`the child ended by itself: ${errors}`)))
      // The last line may be cut short; a number on a whole line was acknowledged.
      const lines = output.split("\n").slice(0, -1)
      resume(Effect.succeed(lines.filter((line) => line !== "cut").map(Number)))
    })
    return Effect.sync(() => process.kill("SIGKILL"))
  })

const check = (acknowledged: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const node = yield* RaftNode
    yield* Commands.use(({ caughtUp }) => caughtUp)
    const reads = yield* Reads
    const { reader } = yield* Database
    for (const number of acknowledged) {
      const stored = yield* reads.get("virtual_host", hostId(number))
      assert.isDefined(stored, `host ${number} was acknowledged`)
    }
    const halves = reader.all(
      `SELECT h.id FROM virtual_hosts h
         LEFT JOIN config_versions v ON v.resource_type = 'virtual_host' AND v.resource_id = h.id AND v.entry = h.revision
         LEFT JOIN audit a ON a.entry = h.revision
         LEFT JOIN virtual_host_keys k ON k.host_id = h.id
       WHERE v.id IS NULL OR a.entry IS NULL OR k.key IS NULL`
    )
    assert.deepStrictEqual(halves, [])
    const orphans = reader.all("SELECT id FROM config_versions WHERE resource_id NOT IN (SELECT id FROM virtual_hosts)")
    assert.deepStrictEqual(orphans, [])
    let previous = auditAnchor
    for (const row of reader.all<AuditRow & { readonly hash: string }>("SELECT * FROM audit ORDER BY entry")) {
      assert.strictEqual(row.previous_hash, previous)
      assert.strictEqual(auditHash(row), row.hash)
      previous = row.hash
    }
    assert.strictEqual(yield* reads.appliedIndex, (yield* node.status).lastIndex)
    assert.strictEqual(reader.get<{ integrity_check: string }>("PRAGMA integrity_check")?.integrity_check, "ok")
  })

describe("kill -9", () => {
  it.live(
    "loses nothing that was acknowledged, and leaves nothing half applied",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const acknowledged: Array<number> = []
        for (const [round, killAfter] of [1, 40, 150, 333, 700].entries()) {
          acknowledged.push(...(yield* runAndKill(directory, round * 100_000 + 1, killAfter)))
          yield* check(acknowledged).pipe(Effect.provide(raftMasterLayer(directory)))
        }
        assert.isAbove(acknowledged.length, 1_000)
      }),
    400_000
  )

  it.live(
    "rule 9: nothing is lost when the state falls back to its last checkpoint while the log was being cut behind snapshots",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const acknowledged: Array<number> = []
        for (const [round, killAfter] of [400, 450, 350].entries()) {
          acknowledged.push(...(yield* runAndKill(directory, round * 100_000 + 1, killAfter, "bulky")))
          // What a power cut may take with synchronous=NORMAL: all that was not checkpointed.
          for (const file of ["state-1.db-wal", "state-1.db-shm"]) {
            yield* Effect.promise(() => rm(join(directory, "state", file), { force: true }))
          }
          const firstIndex = yield* check(acknowledged).pipe(
            Effect.andThen(Effect.flatMap(RaftNode, ({ status }) => status)),
            Effect.map((status) => status.firstIndex),
            Effect.provide(raftMasterLayer(directory))
          )
          assert.isAbove(firstIndex, 1, "the log was cut")
        }
      }),
    400_000
  )
})
