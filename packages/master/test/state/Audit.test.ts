import { assert, describe, it } from "@effect/vitest"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { EnrolmentTokenId, type Sha256 } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import { Limits } from "../../src/Limits.ts"
import { auditAnchor, type ChainedRow, chainProblem } from "../../src/state/apply/AuditChain.ts"
import { auditText, masked } from "../../src/state/apply/AuditText.ts"
import { Database } from "../../src/state/Database.ts"
import { auditMarks, type AuditSearch, auditSlice, type AuditSlice, retentionCut } from "../../src/state/ReadAudit.ts"
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

describe("rule 4: the audit is exported before it is cut, and leaves its anchor hash", () => {
  const point = ({ entry, hash }: ChainedRow) => ({ entry, hash: hash as Sha256 })
  const start = { entry: 0, hash: auditAnchor as Sha256 }

  const cutAt = (through: number, exported: ReturnType<typeof point>) =>
    ({ _tag: "CutAudit", through, exported }) as const

  const begun = Effect.gen(function* () {
    yield* atVersion4
    yield* tenant
    const chain = yield* rows
    return { chain, last: point(chain.at(-1) as ChainedRow) }
  })

  it.effect("refuses a cut above what was exported, of another chain, and of an entry that is not there", () =>
    onMaster(
      Effect.gen(function* () {
        const { last } = yield* begun
        assert.strictEqual((yield* rejected(cutAt(2, last))).code, "CONFLICT", "nothing was exported")
        yield* submit({
          _tag: "RecordAuditExport",
          after: start,
          head: { entry: 3, hash: (yield* rows)[2]?.hash as Sha256 }
        })
        assert.strictEqual((yield* rejected(cutAt(4, last))).code, "CONFLICT", "above the export")
        const other = { ...last, hash: hash("f") }
        assert.strictEqual((yield* rejected(cutAt(2, other))).code, "CONFLICT", "of another chain")
        assert.strictEqual((yield* rejected(cutAt(99, last))).code, "NOT_FOUND")
        assert.lengthOf(
          (yield* rows).filter(({ entry }) => entry <= 4),
          4
        )
      })
    )
  )

  it.effect(
    "an export that leaves a gap to those before allows nothing, and a head that is not the chain's is refused",
    () =>
      onMaster(
        Effect.gen(function* () {
          const { chain, last } = yield* begun
          yield* submit({ _tag: "RecordAuditExport", after: point(chain[1] as ChainedRow), head: last })
          assert.strictEqual((yield* rejected(cutAt(1, last))).code, "CONFLICT")
          const forged = { _tag: "RecordAuditExport", after: start, head: { ...last, hash: hash("f") } } as const
          assert.strictEqual((yield* rejected(forged)).code, "CONFLICT")
        })
      )
  )

  it.effect("retention takes what is old and exported, some rows at once, and leaves the exported head", () =>
    onMaster(
      Effect.gen(function* () {
        const { last } = yield* begun
        const { reader } = yield* Database
        const later = "2100-01-01T00:00:00.000Z"
        assert.isNull(retentionCut(reader, later, 10), "nothing was exported")
        yield* submit({ _tag: "RecordAuditExport", after: start, head: last })
        assert.isNull(retentionCut(reader, "1970-01-01T00:00:00.000Z", 10), "nothing is old")
        assert.strictEqual(retentionCut(reader, later, 2), 2)
        assert.strictEqual(retentionCut(reader, later, 10), last.entry - 1)
        yield* submit(cutAt(last.entry - 1, last))
        assert.isNull(retentionCut(reader, later, 10))
      })
    )
  )

  it.effect("what is left follows the anchor, also when all was cut but the cut itself", () =>
    onMaster(
      Effect.gen(function* () {
        const { last } = yield* begun
        yield* submit({ _tag: "RecordAuditExport", after: start, head: last })
        yield* submit(cutAt(2, last))
        yield* submit(cutAt(last.entry, last))
        const { reader } = yield* Database
        const { anchor } = auditMarks(reader)
        assert.deepStrictEqual(anchor, last)
        const left = yield* rows
        assert.deepStrictEqual(
          left.map(({ command }) => command),
          ["RecordAuditExport", "CutAudit", "CutAudit"]
        )
        let before: { readonly entry: number; readonly hash: string } = anchor
        for (const row of left) {
          assert.isNull(chainProblem(before, row))
          before = row
        }
      })
    )
  )
})

describe("a search of the audit", () => {
  const search: AuditSearch = {
    visible: "all",
    equal: {},
    refused: false,
    from: null,
    to: null,
    before: Number.MAX_SAFE_INTEGER
  }
  const entries = ({ rows }: AuditSlice) => rows.map(({ entry }) => entry)

  it.effect("shows an organization's auditor its own rows alone, a bounded number looked at each time", () =>
    onMaster(
      Effect.gen(function* () {
        yield* atVersion4
        yield* tenant
        yield* submit(saveOrganization(2))
        yield* rejected(saveOrganization(2))
        const { reader } = yield* Database
        const other = { organizationIds: [organization(2)], workspaceIds: [] }
        const own = { organizationIds: [], workspaceIds: [workspace(1)] }
        const all = { rowsMax: 10, scanned: 100 }
        assert.deepStrictEqual(auditSlice(reader, { ...search, visible: other }, all), {
          ...auditSlice(reader, { ...search, equal: { organization_id: organization(2) } }, all)
        })
        assert.deepStrictEqual(entries(auditSlice(reader, { ...search, visible: other }, all)), [6, 5])
        assert.deepStrictEqual(entries(auditSlice(reader, { ...search, visible: own }, all)), [4, 3])
        assert.deepStrictEqual(entries(auditSlice(reader, { ...search, refused: true }, all)), [6])
        const first = auditSlice(reader, { ...search, visible: own }, { rowsMax: 10, scanned: 2 })
        assert.deepStrictEqual([entries(first), first.next], [[], 5])
        const next = auditSlice(reader, { ...search, visible: own, before: 5 }, { rowsMax: 1, scanned: 2 })
        assert.deepStrictEqual([entries(next), next.next], [[4], 4])
        assert.isNull(auditSlice(reader, { ...search, before: 1 }, all).next)
      })
    )
  )
})
