import { assert, describe, it } from "@effect/vitest"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { EnrolmentTokenId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import { Limits } from "../../src/Limits.ts"
import { auditAnchor, type ChainedRow, chainProblem } from "../../src/state/apply/AuditChain.ts"
import { auditText, masked } from "../../src/state/apply/AuditText.ts"
import { Database } from "../../src/state/Database.ts"
import { agentId, organization, uuid, workspace } from "../config/Fixtures.ts"
import { initialise } from "./TestCluster.ts"
import {
  create,
  hash,
  onMaster,
  rejected,
  saveAgent,
  saveHost,
  saveOrganization,
  saveTemplate,
  sealed,
  submit,
  tenant,
  update
} from "./TestMaster.ts"

const rows = Effect.map(Database, ({ reader }) => reader.all<ChainedRow>("SELECT * FROM audit ORDER BY entry"))

const assertWhole = (chain: ReadonlyArray<ChainedRow>) => {
  let before = { entry: 0, hash: auditAnchor }
  for (const row of chain) {
    assert.isNull(chainProblem(before, row))
    before = row
  }
}

const atVersion4 = submit({ ...initialise(), cluster_version: 4 } as Parameters<typeof submit>[0])

describe("the audit's second form", () => {
  it.effect("begins with cluster version 4, and follows the rows of the first", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        yield* submit(saveOrganization(1))
        for (const version of [2, 3, 4]) yield* submit({ _tag: "SetClusterVersion", version })
        yield* submit(saveOrganization(1, update(), { name: "Renamed" }))
        const chain = yield* rows
        assert.deepStrictEqual(
          chain.map(({ form }) => form),
          [1, 1, 1, 1, 2, 2]
        )
        assertWhole(chain)
      })
    )
  )

  it.effect("says whose each row is, also of what was refused and of what is gone", () =>
    onMaster(
      Effect.gen(function* () {
        yield* atVersion4
        yield* tenant
        yield* submit(saveTemplate(1))
        yield* rejected(saveAgent(1))
        yield* submit({ _tag: "DeleteAgent", if_match: null, id: agentId(1) })
        yield* rejected({ _tag: "DeleteAgent", if_match: null, id: agentId(1) })
        const found = (yield* rows).map(({ command, organization_id, outcome, workspace_id }) => [
          command,
          outcome,
          organization_id === organization(1),
          workspace_id === workspace(1)
        ])
        assert.deepStrictEqual(found, [
          ["InitialiseCluster", "accepted", false, false],
          ["SaveOrganization", "accepted", true, false],
          ["SaveWorkspace", "accepted", true, true],
          ["SaveAgent", "accepted", true, true],
          ["SaveTemplate", "accepted", true, true],
          ["SaveAgent", "CONFLICT", true, true],
          ["DeleteAgent", "accepted", true, true],
          ["DeleteAgent", "NOT_FOUND", false, false]
        ])
      })
    )
  )

  it.effect("tells that a token's text was given again to a repeated request", () =>
    onMaster(
      Effect.gen(function* () {
        yield* atVersion4
        yield* tenant
        const request = (number: number) => ({
          _tag: "CreateEnrolmentToken" as const,
          id: EnrolmentTokenId.make(uuid(9, number)),
          agent_id: agentId(1),
          token_hash: hash(String(number)),
          expires_at: "2100-01-01T00:00:00.000Z",
          sealed_token: sealed("text")
        })
        const idempotency = { key: "k", body_hash: hash("b") }
        yield* submit(request(1), { idempotency })
        assert.isTrue((yield* submit(request(2), { idempotency })).replayed)
        const last = (yield* rows).at(-1)
        assert.deepInclude(last, { command: "CreateEnrolmentToken", outcome: "replayed", resource_id: uuid(9, 1) })
        assertWhole(yield* rows)
      })
    )
  )

  it.effect("a row cannot be changed, removed, added or pass for one of the first form", () =>
    onMaster(
      Effect.gen(function* () {
        yield* atVersion4
        yield* tenant
        const [one, two] = (yield* rows).slice(1) as [ChainedRow, ChainedRow]
        const changes: ReadonlyArray<Partial<ChainedRow>> = [
          { outcome: "CONFLICT" },
          { organization_id: null },
          { request_id: "another" },
          { user_agent: "another" },
          { after: null },
          { form: 1 },
          { form: 3 },
          { entry: one.entry },
          { previous_hash: auditAnchor },
          { hash: auditAnchor }
        ]
        assert.isNull(chainProblem(one, two))
        for (const change of changes) assert.isString(chainProblem(one, { ...two, ...change }), JSON.stringify(change))
        assert.isString(chainProblem({ entry: 0, hash: auditAnchor }, two))
      })
    )
  )
})

describe("a value in the audit", () => {
  it("has no secret under any name, and says where there is none", () => {
    assert.deepStrictEqual(
      masked({ anything: sealed("x"), client_secret: null, list: [{ secret: "s", token: { id: 1 } }] }),
      {
        anything: "<masked>",
        client_secret: null,
        list: [{ secret: "<masked>", token: { id: 1 } }]
      }
    )
  })

  it.effect("is named by its hash when it is too long, and both sides of a change differ", () =>
    onMaster(
      Effect.gen(function* () {
        const long = { content: "x".repeat(Limits.audit.valueCharactersMax) }
        const text = JSON.stringify(long)
        assert.strictEqual(auditText(long), `{"omitted":{"characters":${text.length},"sha256":"${sha256Hex(text)}"}}`)
        yield* atVersion4
        yield* tenant
        yield* submit(saveHost(1, {}, create))
        assert.isBelow((yield* rows).at(-1)?.after?.length ?? 0, Limits.audit.valueCharactersMax)
      })
    )
  )
})
