import { assert, describe, it } from "@effect/vitest"
import type { AgentSelector } from "@nxmesh/protocol/model/AgentSelector"
import { Schema } from "effect"
import { labelsKey, selectionOf, targets, targetsSelection } from "../../src/targeting/Targets.ts"
import { agent, agentId, host, hostId, labelled, only, organization, workspace } from "../config/Fixtures.ts"

const owned = (target_agents: AgentSelector) => ({
  id: hostId(1),
  workspace_id: workspace(1),
  organization_id: organization(1),
  target_agents
})

describe("Targets", () => {
  it("keeps a global resource within its organization", () => {
    const resource = owned({ scope: "global" })
    assert.isTrue(targets(resource, agent(1, { workspace_id: workspace(2) })))
    assert.isFalse(targets(resource, agent(1, { organization_id: organization(2) })))
  })

  it("keeps every other scope within the resource's workspace", () => {
    const elsewhere = agent(1, { workspace_id: workspace(2), labels: { tier: "edge" } })
    for (const selector of [{ scope: "workspace" } as const, labelled({ tier: "edge" }), only(1)]) {
      assert.isFalse(targets(owned(selector), elsewhere))
      assert.isTrue(targets(owned(selector), { ...elsewhere, workspace_id: workspace(1) }))
    }
  })

  it("wants all labels of a selector, and lets an agent have more", () => {
    const resource = owned(labelled({ tier: "edge", zone: "a" }))
    assert.isTrue(targets(resource, agent(1, { labels: { tier: "edge", zone: "a", rack: "7" } })))
    assert.isFalse(targets(resource, agent(1, { labels: { tier: "edge" } })))
    assert.isFalse(targets(resource, agent(1, { labels: { tier: "edge", zone: "b" } })))
  })

  it("gives equal label selectors one key whatever their order", () => {
    assert.strictEqual(labelsKey({ a: "1", b: "2" }), labelsKey({ b: "2", a: "1" }))
  })

  const LabelSet = Schema.Struct({
    a: Schema.optionalKey(Schema.Literals(["1", "2"])),
    b: Schema.optionalKey(Schema.Literals(["1", "2"]))
  })
  const Selector = Schema.Union([
    Schema.Struct({ scope: Schema.Literal("global") }),
    Schema.Struct({ scope: Schema.Literal("workspace") }),
    Schema.Struct({ scope: Schema.Literal("labels"), match_labels: LabelSet }),
    Schema.Struct({ scope: Schema.Literal("agents"), number: Schema.Literals([1, 2]) })
  ])
  const World = Schema.Struct({
    selectors: Schema.Array(Selector).check(Schema.isMaxLength(8)),
    labels: LabelSet,
    workspaceNumber: Schema.Literals([1, 2])
  })

  it.prop(
    "says the same of an agent and of its selection",
    [World],
    ([{ labels, selectors, workspaceNumber }]) => {
      const one = agent(1, { labels, workspace_id: workspace(workspaceNumber) })
      const hosts = selectors.map((selector, index) => ({
        ...host(index, { target_agents: selector.scope === "agents" ? only(selector.number) : selector }),
        organization_id: organization(1)
      }))
      const local = hosts.filter((each) => each.workspace_id === one.workspace_id)
      const labelSelectors = local.flatMap(({ target_agents }) =>
        target_agents.scope === "labels"
          ? [[labelsKey(target_agents.match_labels), target_agents.match_labels] as const]
          : []
      )
      const mentions = local.filter(
        ({ target_agents }) => target_agents.scope === "agents" && target_agents.agent_ids.includes(agentId(1))
      )
      const selection = selectionOf(
        one,
        labelSelectors,
        mentions.map(({ id }) => id)
      )
      for (const each of hosts) assert.strictEqual(targetsSelection(each, selection), targets(each, one))
    },
    { arbitrary: { seed: 20_260_302 } }
  )
})
