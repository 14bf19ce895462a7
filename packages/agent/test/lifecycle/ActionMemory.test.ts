import { assert, describe, it } from "@effect/vitest"
import { ActionId, DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { madeBefore, told } from "../../src/deploy/FallBack.ts"
import { withDeploymentId } from "../../src/deploy/GenerationDirectory.ts"
import { fromError } from "../../src/lifecycle/ActionResult.ts"
import { begun, cutOff, ended, type Entries } from "../../src/lifecycle/ActionMemory.ts"
import { Limits } from "../../src/Limits.ts"
import { NginxError } from "../../src/nginx/NginxError.ts"

const at = "2026-01-01T00:00:00.000Z"
const id = (index: number) => ActionId.make(`00000000-0000-4000-8000-${String(index).padStart(12, "0")}`)
const deployment = (index: number) => DeploymentId.make(`00000000-0000-4000-8000-${String(index).padStart(12, "0")}`)

describe("what is remembered of actions", () => {
  it("is bounded, and the oldest go", () => {
    let entries: Entries = []
    for (let index = 0; index < Limits.actionsRememberedMax + 3; index += 1) entries = begun(entries, id(index), at)
    assert.strictEqual(entries.length, Limits.actionsRememberedMax)
    assert.strictEqual(entries[0]?.action_id, id(3))
  })

  it("says of one that was cut off that nobody knows how far it came, and keeps those that ended", () => {
    const outcome = {
      action_id: id(1),
      status: "done",
      message: "",
      started_at: at,
      finished_at: at,
      errors: []
    } as const
    const entries = cutOff(begun(ended(begun([], id(1), at), outcome), id(2), at), at)
    assert.deepStrictEqual(entries[0]?.outcome, outcome)
    assert.strictEqual(entries[1]?.outcome?.status, "failed")
  })
})

describe("an action's error", () => {
  it("is a refusal when nothing was tried, and a failure with nginx's words when it was", () => {
    assert.strictEqual(
      fromError("reload", new NginxError({ reason: "refused", message: "do it there" })).status,
      "refused"
    )
    const output = "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)"
    const failed = fromError("reload", new NginxError({ reason: "start", message: "nginx does not start", output }))
    assert.strictEqual(failed.status, "failed")
    assert.include(failed.errors[0]?.message, "bind()")
  })
})

describe("an earlier generation", () => {
  it("is looked for among the directories made before, the newest first", () => {
    const names = [
      "20260101000000-000001",
      "20250101000000-000004",
      "20260101000000-000003",
      "current",
      "20260101000000-000005"
    ]
    assert.deepStrictEqual(madeBefore(names, "20250101000000-000004"), [
      "20260101000000-000003",
      "20260101000000-000001"
    ])
  })

  it("is told of as the rollback of the one that was left", () => {
    const served = { directory: "d", deploymentId: deployment(1), generation: Generation.make("b".repeat(64)) }
    const outcome: DeploymentOutcome = {
      id: deployment(2),
      generation: Generation.make("a".repeat(64)),
      status: "settled",
      started_at: at,
      finished_at: at,
      serving_after_millis: 1,
      settled_after_millis: 2,
      serving_generation: Generation.make("a".repeat(64)),
      warnings: [],
      error: null
    }
    const said = told(outcome, served, deployment(3), "it died")
    assert.deepInclude(said, { id: deployment(3), generation: served.generation, status: "rolled_back" })
    assert.strictEqual(said.serving_generation, outcome.generation)
  })

  it("keeps the id by which the masters know it, however often a way back renames it", () => {
    const entry = `# nxmesh generation ${"a".repeat(64)} deployment ${deployment(1)}\ninclude x;\n`
    const renamed = withDeploymentId("nxmesh.conf", entry, deployment(2))
    assert.include(renamed, `deployment ${deployment(2)} was ${deployment(1)}\n`)
    assert.include(
      withDeploymentId("nxmesh.conf", renamed, deployment(3)),
      `deployment ${deployment(3)} was ${deployment(1)}\n`
    )
  })
})
