import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reads } from "../../src/state/Reads.ts"
import { agentId, hostId, organization, workspace } from "../config/Fixtures.ts"
import {
  masterLayer,
  onMaster,
  rejected,
  saveHost,
  saveOrganization,
  submit,
  temporaryDirectory,
  tenant,
  update
} from "../state/TestMaster.ts"

describe("Commands", () => {
  it.effect("answers what every read then sees", () =>
    onMaster(
      Effect.gen(function* () {
        const reads = yield* Reads
        yield* tenant
        const { index, value } = yield* submit(saveHost(1))
        const stored = yield* reads.get("virtual_host", hostId(1))
        assert.deepStrictEqual(value, stored)
        assert.strictEqual(stored?.revision, index)
        assert.strictEqual((yield* reads.get("organization", organization(1)))?.slug, "organization-1")
        assert.strictEqual((yield* reads.get("workspace", workspace(1)))?.slug, "workspace-1")
        assert.strictEqual((yield* reads.get("agent", agentId(1)))?.facts, null)
        assert.strictEqual(yield* reads.appliedIndex, index)
      })
    )
  )

  it.effect("keeps everything that was acknowledged over a restart", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.provide(Effect.andThen(tenant, submit(saveHost(1))), masterLayer(directory))
      yield* Effect.gen(function* () {
        const reads = yield* Reads
        assert.strictEqual((yield* reads.get("virtual_host", hostId(1)))?.name, "host-1")
        yield* submit(saveOrganization(1, update(), { name: "Renamed" }))
        assert.strictEqual((yield* reads.get("organization", organization(1)))?.name, "Renamed")
      }).pipe(Effect.provide(masterLayer(directory)))
    })
  )

  it.effect("gives many concurrent commands an order of their own, each its index", () =>
    onMaster(
      Effect.gen(function* () {
        const answers = yield* Effect.forEach(
          Array.from({ length: 500 }, (_, number) => number + 1),
          (number) => submit(saveOrganization(number)),
          { concurrency: "unbounded" }
        )
        const indexes = answers.map(({ index }) => index)
        assert.deepStrictEqual(
          [...indexes].sort((a, b) => a - b),
          Array.from({ length: 500 }, (_, i) => i + 1)
        )
        const { total } = yield* Reads.use((reads) =>
          reads.list("organization", { page: 1, perPage: 10, sort: "name", descending: false, filters: {} })
        )
        assert.strictEqual(total, 500)
      })
    )
  )

  it.effect("commits a rejection: it has an index and changes nothing", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(saveOrganization(1))
        const rejection = yield* rejected(saveOrganization(2, undefined, { slug: "organization-1" }))
        assert.strictEqual(rejection.code, "CONFLICT")
        assert.strictEqual(rejection.details[0]?.field, "slug")
        const reads = yield* Reads
        assert.strictEqual(yield* reads.appliedIndex, 2)
        assert.isUndefined(yield* reads.get("organization", organization(2)))
      })
    )
  )

  it.effect("refuses a command that is not well formed before it is logged, so that no replay meets one", () =>
    onMaster(
      Effect.gen(function* () {
        const rejection = yield* rejected(saveOrganization(1, undefined, { name: "x".repeat(129) }))
        assert.strictEqual(rejection.code, "VALIDATION_ERROR")
        assert.strictEqual(rejection.details[0]?.field, "organization.name")
        assert.strictEqual(yield* Reads.use((reads) => reads.appliedIndex), 0)
      })
    )
  )
})
