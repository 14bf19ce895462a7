/** Law: the audit follows from the log alone, so that every master has the same chain, whoever cut the batches how. */
import { assert, describe, it } from "@effect/vitest"
import type { Command } from "@nxmesh/protocol/Command"
import { CommandId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import { join } from "node:path"
import type { Entry } from "../../src/state/apply/Apply.ts"
import { auditAnchor, type ChainedRow, chainProblem } from "../../src/state/apply/AuditChain.ts"
import { openConnection } from "../../src/state/Connection.ts"
import { fullDigest } from "../../src/state/digest/StateDigest.ts"
import { migrate } from "../../src/state/Migrations.ts"
import { auditHead } from "../../src/state/ReadAudit.ts"
import { applyBatch } from "../../src/state/StateMachine.ts"
import { uuid } from "../config/Fixtures.ts"
import { initialise } from "./TestCluster.ts"
import { saveAgent, saveOrganization, saveWorkspace, system, temporaryDirectory, update } from "./TestMaster.ts"

const commands: ReadonlyArray<Command> = [
  initialise(),
  saveOrganization(1),
  ...[2, 3, 4].map((version): Command => ({ _tag: "SetClusterVersion", version })),
  saveWorkspace(1),
  saveAgent(1),
  saveOrganization(1),
  saveOrganization(1, update(), { name: "Renamed" })
]

const entries = commands.map((command, index): Entry => ({
  index: index * 2 + 1,
  term: 1,
  // Clocks of leaders differ, and jump back.
  atMillis: 1_000_000 + (index % 3) * 500,
  proposal: {
    id: CommandId.make(uuid(2, index)),
    at_millis: 0,
    principal: system,
    idempotency: null,
    remote_address: "192.0.2.1",
    origin: { request_id: `request ${index}`, user_agent: null },
    command
  }
}))

const stateOf = (path: string, perBatch: number) => {
  const connection = openConnection(path, { readOnly: false, busyMillisMax: 1_000 })
  migrate(connection)
  let before = { index: 0, term: 0, atMillis: 0 }
  for (let from = 0; from < entries.length; from += perBatch) {
    const batch = entries.slice(from, from + perBatch)
    const last = batch.at(-1) as Entry
    before = applyBatch(connection, before, { entries: batch, last }).applied
  }
  const rows = connection.all<ChainedRow>("SELECT * FROM audit ORDER BY entry")
  const state = { head: auditHead(connection), digest: fullDigest(connection), rows }
  connection.close()
  return state
}

describe("the audit on three masters", () => {
  it.effect("has one head, row by row, from the first form into the second", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const states = [1, 2, entries.length].map((perBatch) => stateOf(join(directory, `${perBatch}.db`), perBatch))
      const [first] = states
      for (const state of states) assert.deepStrictEqual(state, first)
      let before = { entry: 0, hash: auditAnchor }
      for (const row of first?.rows ?? []) {
        assert.isNull(chainProblem(before, row))
        before = row
      }
      assert.deepStrictEqual(before.hash, first?.head.hash)
      assert.strictEqual(first?.rows.length, entries.length)
    })
  )
})
