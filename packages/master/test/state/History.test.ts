import { assert, describe, it } from "@effect/vitest"
import type { Command } from "@nxmesh/protocol/Command"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import type { DeploymentStatus } from "@nxmesh/protocol/model/Deployment"
import { Effect, Queue } from "effect"
import { unstamped } from "../../src/api/Unstamped.ts"
import { auditAnchor, auditHash } from "../../src/state/apply/AuditChain.ts"
import { masked } from "../../src/state/apply/AuditText.ts"
import { Database } from "../../src/state/Database.ts"
import { Events } from "../../src/state/Events.ts"
import type { ListQuery } from "../../src/state/Listable.ts"
import { Limits } from "../../src/Limits.ts"
import { Reads } from "../../src/state/Reads.ts"
import { agentId, certificate, certificateId, hostId, uuid } from "../config/Fixtures.ts"
import {
  create,
  hash,
  onMaster,
  rejected,
  removal,
  type Save,
  saveAgent,
  saveHost,
  saveOrganization,
  saveUser,
  saving,
  sealed,
  submit,
  tenant,
  update
} from "./TestMaster.ts"

const firstPage: ListQuery = { page: 1, perPage: 50, sort: "name", descending: false, filters: {} }

const saveCertificate = (
  fields: { readonly name?: string; readonly secret?: string },
  save: Save = create
): Command => {
  const content = unstamped(certificate(1))
  const { name = content.name, secret = "sealed" } = fields
  return { _tag: "SaveCertificate", ...saving(save), certificate: { ...content, name, private_key: sealed(secret) } }
}

describe("audit", () => {
  it.effect("chains who did what in the order of the log, rejections too", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(saveOrganization(1), { remoteAddress: "192.0.2.1" })
        yield* rejected(saveOrganization(1))
        yield* submit(saveOrganization(1, update(), { name: "Renamed" }))
        const { items } = yield* Reads.use((reads) => reads.audit({ ...firstPage, sort: "entry" }))
        assert.deepStrictEqual(
          items.map(({ command, entry, outcome }) => [entry, command, outcome]),
          [
            [1, "SaveOrganization", "accepted"],
            [2, "SaveOrganization", "CONFLICT"],
            [3, "SaveOrganization", "accepted"]
          ]
        )
        assert.strictEqual(items[0]?.remote_address, "192.0.2.1")
        assert.strictEqual(items[1]?.resource_id, items[0]?.resource_id)
        assert.include(items[2]?.before ?? "", "Organization 1")
        assert.include(items[2]?.after ?? "", "Renamed")
        let previous = auditAnchor
        for (const { hash: rowHash, ...row } of items) {
          assert.strictEqual(row.previous_hash, previous)
          assert.strictEqual(auditHash(row), rowHash)
          previous = rowHash
        }
      })
    )
  )

  it("masks every secret, at any depth, and leaves the rest", () => {
    assert.deepStrictEqual(masked({ a: [{ password_hash: "x", name: "n" }], private_key: { ciphertext: "y" } }), {
      a: [{ password_hash: "<masked>", name: "n" }],
      private_key: "<masked>"
    })
  })

  it.effect("a password's hash is in the user's row and in the log, not in audit or outcomes", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(saveUser(1, "admin"), { idempotency: { key: "k", body_hash: hash("a") } })
        const { reader } = yield* Database
        for (const table of ["audit", "idempotency"]) {
          const rows = JSON.stringify(reader.all(`SELECT * FROM ${table}`))
          assert.notInclude(rows, "planted-hash", table)
        }
      })
    )
  )
})

describe("certificates", () => {
  it.effect("a version's answer has no key, and a rollback finds the sealed one", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        const { value } = yield* submit(saveCertificate({}))
        assert.notProperty(value, "private_key")
        yield* submit(saveCertificate({ name: "renamed" }, update()))
        const reads = yield* Reads
        const version = yield* reads.version("certificate", certificateId(1), 1)
        assert.notProperty(version?.data, "private_key")
        assert.property(version?.data, "secret_version_id")
        const before = yield* reads.certificateVersion(certificateId(1), 1)
        assert.deepStrictEqual(before?.private_key, sealed("sealed"))
        assert.strictEqual(before?.name, "certificate-1")
      })
    )
  )

  it.effect("rule 6: a key that is only wrapped anew makes no version", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveCertificate({}))
        yield* submit(saveCertificate({ secret: "wrapped anew" }, update()))
        const latest = yield* Reads.use((reads) => reads.latestVersion("certificate", certificateId(1)))
        assert.strictEqual(latest?.version_number, 1)
      })
    )
  )
})

const outcome = (
  number: number,
  status: DeploymentStatus = "settled",
  generation = "a",
  agent = 1
): Extract<Command, { _tag: "RecordDeployments" }>["outcomes"][number] => ({
  agent_id: agentId(agent),
  outcome: {
    id: DeploymentId.make(uuid(12, number)),
    generation: Generation.make(hash(generation)),
    status,
    started_at: "2026-03-02T14:30:00.000Z",
    finished_at: "2026-03-02T14:30:01.000Z",
    serving_after_millis: 10,
    settled_after_millis: 20,
    serving_generation: status === "settled" ? Generation.make(hash(generation)) : null,
    warnings: [],
    error: null
  }
})
const record = (...outcomes: ReadonlyArray<ReturnType<typeof outcome>>): Command => ({
  _tag: "RecordDeployments",
  outcomes
})

describe("deployments (rule 4)", () => {
  it.effect("keeps the last outcome and the 20 newest per agent, and counts per generation", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        for (let number = 1; number <= 25; number++) yield* submit(record(outcome(number)))
        yield* submit(
          record(outcome(26, "failed", "b"), outcome(27, "rolled_back", "b"), outcome(28, "settled", "b", 9))
        )
        const reads = yield* Reads
        assert.strictEqual((yield* reads.lastDeployment(agentId(1)))?.status, "rolled_back")
        const { total } = yield* reads.deployments({
          ...firstPage,
          sort: "finished_at",
          filters: { agent_id: agentId(1) }
        })
        assert.strictEqual(total, 20)
        assert.strictEqual((yield* reads.generation(Generation.make(hash("a"))))?.settled, 25)
        assert.deepInclude(yield* reads.generation(Generation.make(hash("b"))), {
          settled: 0,
          failed: 1,
          rolled_back: 1
        })
        assert.strictEqual(yield* reads.servingGeneration(agentId(1)), hash("a"))
        assert.isUndefined(yield* reads.deployment(DeploymentId.make(uuid(12, 28))))
      })
    )
  )

  it.effect("an outcome that is reported twice counts once", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        const subscription = yield* Events.use((events) => events.subscribe)
        yield* submit(record(outcome(1), outcome(1)))
        yield* submit(record(outcome(1)))
        const generation = yield* Reads.use((reads) => reads.generation(Generation.make(hash("a"))))
        assert.strictEqual(generation?.settled, 1)
        assert.strictEqual((yield* Queue.takeAll(subscription)).length, 1)
      })
    )
  )
})

describe("Events", () => {
  it.effect("come in the order of the log, each with its entry's index, and none for a rejection or a no-op", () =>
    onMaster(
      Effect.gen(function* () {
        const subscription = yield* Events.use((events) => events.subscribe)
        yield* tenant
        yield* rejected(saveOrganization(1))
        yield* submit(saveHost(1))
        yield* submit(saveHost(1, {}, update()))
        yield* submit({ _tag: "DeleteVirtualHost", ...removal(), id: hostId(1) })
        const seen = yield* Queue.takeAll(subscription)
        assert.deepStrictEqual(
          seen.map(({ event, index }) => [
            index,
            event._tag === "ResourceChanged" ? `${event.operation} ${event.kind}` : event._tag
          ]),
          [
            [1, "create organization"],
            [2, "create workspace"],
            [3, "create agent"],
            [3, "BundlesChanged"],
            [5, "create virtual_host"],
            [7, "delete virtual_host"]
          ]
        )
      })
    )
  )

  it.effect("a subscriber that lags too far is told to start over, and apply does not wait for it", () =>
    onMaster(
      Effect.gen(function* () {
        const slow = yield* Events.use((events) => events.subscribe)
        const { publishUnsafe } = yield* Events
        const many = Array.from({ length: Limits.state.subscriberEventsMax + 5 }, (_, index) => ({
          index,
          event: { _tag: "AgentRemoved" as const, agent_id: agentId(1) }
        }))
        publishUnsafe(many)
        const seen = yield* Queue.takeAll(slow)
        assert.strictEqual(seen[0].event._tag, "StateReset")
        assert.deepStrictEqual(
          seen.slice(1).map(({ index }) => index),
          many.slice(Limits.state.subscriberEventsMax + 1).map(({ index }) => index)
        )
      })
    )
  )
})

describe("lists", () => {
  it.effect("page, sort and filter by allowed columns only", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        for (let number = 2; number <= 9; number++) {
          yield* submit(saveAgent(number, { labels: { parity: number % 2 === 0 ? "even" : "odd", "a.b/c": "d" } }))
        }
        const reads = yield* Reads
        const page = yield* reads.list("agent", { ...firstPage, page: 2, perPage: 3, descending: true })
        assert.deepStrictEqual(
          page.items.map(({ name }) => name),
          ["agent-6", "agent-5", "agent-4"]
        )
        assert.strictEqual(page.total, 9)
        const even = yield* reads.list("agent", { ...firstPage, filters: { labels: "parity=even,a.b/c=d" } })
        assert.strictEqual(even.total, 4)
        const injected = yield* Effect.exit(reads.list("agent", { ...firstPage, sort: "name; DROP TABLE agents" }))
        assert.strictEqual(injected._tag, "Failure")
        const quoted = yield* reads.list("agent", { ...firstPage, filters: { name: "x' OR 1=1 --" } })
        assert.strictEqual(quoted.total, 0)
      })
    )
  )
})
