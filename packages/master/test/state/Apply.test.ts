import { assert, describe, it } from "@effect/vitest"
import { OrganizationId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { unstamped } from "../../src/api/Unstamped.ts"
import { Database } from "../../src/state/Database.ts"
import { Reads } from "../../src/state/Reads.ts"
import {
  agentId,
  host,
  hostId,
  labelled,
  location,
  only,
  upstream,
  upstreamId,
  uuid,
  workspace
} from "../config/Fixtures.ts"
import {
  create,
  hash,
  onMaster,
  rejected,
  removal,
  saveAgent,
  saveHost,
  saveOrganization,
  saveUpstream,
  saveWorkspace,
  submit,
  tenant,
  update
} from "./TestMaster.ts"

describe("apply checks every precondition itself (rule 5)", () => {
  it.effect("rule 5: If-Match of an older revision is refused with PRECONDITION_FAILED", () =>
    onMaster(
      Effect.gen(function* () {
        const { index } = yield* submit(saveOrganization(1))
        yield* submit(saveOrganization(1, update(index), { name: "Second" }))
        const rejection = yield* rejected(saveOrganization(1, update(index), { name: "Third" }))
        assert.strictEqual(rejection.code, "PRECONDITION_FAILED")
        const stored = yield* Reads.use((reads) => reads.get("organization", OrganizationId.make(uuid(1, 1))))
        assert.strictEqual(stored?.name, "Second")
      })
    )
  )

  it.effect("rule 5: of two saves with the same If-Match that race, one wins", () =>
    onMaster(
      Effect.gen(function* () {
        const { index } = yield* submit(saveOrganization(1))
        const results = yield* Effect.forEach(
          ["A", "B"],
          (name) => Effect.result(submit(saveOrganization(1, update(index), { name }))),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(results.map(({ _tag }) => _tag).sort(), ["Failure", "Success"])
      })
    )
  )

  it.effect("rule 5: existence: a create of what exists and an update of what does not are refused", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(saveOrganization(1))
        assert.strictEqual((yield* rejected(saveOrganization(1))).code, "CONFLICT")
        assert.strictEqual((yield* rejected(saveOrganization(2, update()))).code, "NOT_FOUND")
        assert.strictEqual((yield* rejected(saveWorkspace(1, 9))).code, "NOT_FOUND")
      })
    )
  )

  it.effect("rule 5: uniqueness: names and slugs within their scope", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveOrganization(2))
        yield* submit(saveWorkspace(2, 2))
        const twin = yield* rejected(saveAgent(2, { name: "agent-1" }))
        assert.strictEqual(twin.code, "CONFLICT")
        assert.strictEqual(twin.details[0]?.field, "name")
        yield* submit(saveAgent(2, { name: "agent-1", workspace_id: workspace(2) }))
        yield* submit(saveUpstream(1))
        assert.strictEqual((yield* rejected(saveUpstream(2, { name: upstream(1).name }))).code, "CONFLICT")
      })
    )
  )

  it.effect("rule 5: a host may refer only to what exists in its workspace, and each wrong field is named", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveWorkspace(2))
        yield* submit(saveAgent(2, { workspace_id: workspace(2) }))
        const rejection = yield* rejected(
          saveHost(1, {
            template: "mine",
            target_agents: only(1, 2),
            locations: [location({ return: null, upstream_id: upstreamId(7) })]
          })
        )
        assert.strictEqual(rejection.code, "VALIDATION_ERROR")
        assert.deepStrictEqual(
          rejection.details.map(({ field }) => field),
          ["locations[0].upstream_id", "target_agents.agent_ids[1]", "template"]
        )
        assert.strictEqual(
          (yield* rejected(saveHost(1, { workspace_id: workspace(9) }))).details[0]?.field,
          "workspace_id"
        )
      })
    )
  )

  it.effect("rule 5: what is referenced cannot be deleted or renamed, and the referrers are named", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveUpstream(1, { name: "backend" }))
        yield* submit(saveUpstream(2, { name: "other" }))
        yield* submit(
          saveHost(1, {
            target_agents: only(1),
            locations: [
              location({ return: null, upstream_id: upstreamId(1) }),
              location({ path: "/b", return: null, proxy_pass: "http://other/x" })
            ]
          })
        )
        for (const command of [
          { _tag: "DeleteUpstream", ...removal(), id: upstreamId(1) },
          { _tag: "DeleteUpstream", ...removal(), id: upstreamId(2) },
          saveUpstream(2, { name: "renamed" }, update()),
          { _tag: "DeleteAgent", if_match: null, id: agentId(1) },
          { _tag: "DeleteWorkspace", if_match: null, id: workspace(1) },
          { _tag: "DeleteOrganization", if_match: null, id: OrganizationId.make(uuid(1, 1)) }
        ] as const) {
          const rejection = yield* rejected(command)
          assert.strictEqual(rejection.code, "REFERENCED", command._tag)
          assert.isAbove(rejection.details.length, 0)
        }
        yield* submit({ _tag: "DeleteVirtualHost", ...removal(), id: hostId(1) })
        yield* submit({ _tag: "DeleteUpstream", ...removal(), id: upstreamId(1) })
        yield* submit({ _tag: "DeleteUpstream", ...removal(), id: upstreamId(2) })
        yield* submit({ _tag: "DeleteAgent", if_match: null, id: agentId(1) })
        yield* submit({ _tag: "DeleteWorkspace", if_match: null, id: workspace(1) })
        yield* submit({ _tag: "DeleteOrganization", if_match: null, id: OrganizationId.make(uuid(1, 1)) })
      })
    )
  )

  it.effect("rule 5: hosts that would clash on an agent are refused, whatever makes them share it", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveAgent(2, { labels: { tier: "b" } }))
        const name = { server_name: "same.example.com" }
        yield* submit(saveHost(1, { ...name, target_agents: only(1) }))
        yield* submit(saveHost(2, { ...name, target_agents: labelled({ tier: "b" }) }))
        assert.strictEqual((yield* rejected(saveHost(3, name))).code, "CLASH")
        yield* submit(saveHost(3, { ...name, enabled: false }))
        assert.strictEqual((yield* rejected(saveHost(3, name, update()))).code, "CLASH")
        const relabelled = yield* rejected(saveAgent(1, { labels: { tier: "b" } }, update()))
        assert.strictEqual(relabelled.code, "CLASH")
        assert.deepStrictEqual((yield* Reads.use((reads) => reads.get("agent", agentId(1))))?.labels, {})
        yield* submit({ _tag: "DeleteVirtualHost", ...removal(), id: hostId(1) })
        yield* submit(saveAgent(1, { labels: { tier: "b" } }, update()))
      })
    )
  )

  it.effect("rule 5: entries that share a transaction do not share their fate", () =>
    onMaster(
      Effect.gen(function* () {
        const results = yield* Effect.forEach(
          [saveOrganization(1), saveOrganization(1), saveOrganization(2), saveWorkspace(1, 9), saveWorkspace(2, 2)],
          (command) => Effect.result(submit(command)),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          results.map(({ _tag }) => _tag),
          ["Success", "Failure", "Success", "Failure", "Success"]
        )
        assert.isDefined(yield* Reads.use((reads) => reads.get("workspace", workspace(2))))
        assert.isUndefined(yield* Reads.use((reads) => reads.get("workspace", workspace(1))))
      })
    )
  )

  it.effect(
    "rule 5: a defect rolls back to the savepoint, is answered INTERNAL_ERROR, and the next entry applies",
    () =>
      onMaster(
        Effect.gen(function* () {
          const { writer } = yield* Database
          writer.execute(
            "CREATE TRIGGER bug BEFORE INSERT ON audit WHEN NEW.after LIKE '%Cursed%' BEGIN SELECT RAISE(ABORT, 'bug'); END"
          )
          const rejection = yield* rejected(saveOrganization(1, create, { name: "Cursed" }))
          assert.strictEqual(rejection.code, "INTERNAL_ERROR")
          const reads = yield* Reads
          assert.isUndefined(yield* reads.get("organization", OrganizationId.make(uuid(1, 1))))
          assert.strictEqual(yield* reads.appliedIndex, 1)
          yield* submit(saveOrganization(1))
        })
      )
  )
})

describe("time and versions", () => {
  it.effect("rule 3: time never goes back, even when the stamp does", () =>
    onMaster(
      Effect.gen(function* () {
        yield* TestClock.setTime(10_000)
        yield* submit(saveOrganization(1))
        yield* TestClock.setTime(4_000)
        yield* submit(saveOrganization(2))
        const second = yield* Reads.use((reads) => reads.get("organization", OrganizationId.make(uuid(1, 2))))
        assert.strictEqual(second?.created_at, "1970-01-01T00:00:10.000Z")
      })
    )
  )

  it.effect("rule 4: every change of a resource adds an immutable version of that resource alone", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveHost(1))
        yield* submit(saveHost(1, { gzip_enabled: true }, update()))
        yield* submit(saveHost(1, {}, update()))
        yield* submit({ _tag: "DeleteVirtualHost", ...removal(), id: hostId(1) })
        const { items, total } = yield* Reads.use((reads) =>
          reads.versions("virtual_host", hostId(1), { page: 1, perPage: 10 })
        )
        assert.strictEqual(total, 4)
        assert.deepStrictEqual(
          items.map(({ version_number }) => version_number),
          [4, 3, 2, 1]
        )
        assert.isNull(items[0]?.data)
        assert.strictEqual(items[1]?.checksum, items[3]?.checksum)
        assert.notStrictEqual(items[2]?.checksum, items[3]?.checksum)
        assert.deepStrictEqual(items[3]?.data, unstamped(host(1)))
        assert.strictEqual(items[3]?.created_by, "system:test")
      })
    )
  )

  it.effect("a save of the same content is a no-op: same revision, no version, no event", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        const first = yield* submit(saveHost(1))
        const again = yield* submit(saveHost(1, {}, update()))
        assert.deepStrictEqual(again.value, first.value)
        const { total } = yield* Reads.use((reads) =>
          reads.versions("virtual_host", hostId(1), { page: 1, perPage: 1 })
        )
        assert.strictEqual(total, 1)
      })
    )
  )

  it.effect("a deleted resource can be made again, and its numbers go on", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveHost(1))
        yield* submit({ _tag: "DeleteVirtualHost", ...removal(), id: hostId(1) })
        yield* submit(saveHost(1))
        const latest = yield* Reads.use((reads) => reads.latestVersion("virtual_host", hostId(1)))
        assert.strictEqual(latest?.version_number, 3)
      })
    )
  )
})

describe("exactly once, from the edge (rule 7)", () => {
  it.effect("rule 7: a request repeated under its key gets the first answer, and nothing is done twice", () =>
    onMaster(
      Effect.gen(function* () {
        const idempotency = { key: "k", body_hash: hash("a") }
        const first = yield* submit(saveOrganization(1), { idempotency })
        const second = yield* submit(saveOrganization(2), { idempotency })
        assert.isFalse(first.replayed)
        assert.isTrue(second.replayed)
        assert.strictEqual(second.index, first.index)
        assert.deepStrictEqual(second.value, first.value)
        assert.isUndefined(yield* Reads.use((reads) => reads.get("organization", OrganizationId.make(uuid(1, 2)))))
      })
    )
  )

  it.effect("rule 7: concurrent repeats are one", () =>
    onMaster(
      Effect.gen(function* () {
        const idempotency = { key: "k", body_hash: hash("a") }
        const answers = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, index) => index + 1),
          (number) => submit(saveOrganization(number), { idempotency }),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(answers.map(({ index }) => index)).size, 1)
      })
    )
  )

  it.effect("rule 7: the key with another body is refused, and another principal's key is another key", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(saveOrganization(1), { idempotency: { key: "k", body_hash: hash("a") } })
        const rejection = yield* rejected(saveOrganization(2), { idempotency: { key: "k", body_hash: hash("b") } })
        assert.strictEqual(rejection.code, "IDEMPOTENCY_KEY_REUSED")
        const other = yield* submit(saveOrganization(2), {
          idempotency: { key: "k", body_hash: hash("b") },
          principal: { _tag: "System", component: "other" }
        })
        assert.isFalse(other.replayed)
      })
    )
  )

  it.effect("rule 7: a key is forgotten a day later by the log's time", () =>
    onMaster(
      Effect.gen(function* () {
        const idempotency = { key: "k", body_hash: hash("a") }
        yield* submit(saveOrganization(1), { idempotency })
        yield* TestClock.adjust("25 hours")
        assert.isFalse((yield* submit(saveOrganization(2), { idempotency })).replayed)
      })
    )
  )
})
