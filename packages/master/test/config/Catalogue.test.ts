import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { generationOf } from "@nxmesh/core/nginx/Generation"
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Catalogue } from "../../src/config/Catalogue.ts"
import { deltaBetween } from "../../src/config/Manifest.ts"
import {
  agentId,
  certificate,
  certificateId,
  host,
  hostId,
  labelled,
  location,
  only,
  organization,
  template,
  templateId,
  upstream,
  upstreamId,
  workspace
} from "./Fixtures.ts"

const tenants = (): Catalogue => {
  const catalogue = new Catalogue()
  catalogue.setWorkspace(workspace(1), { organization_id: organization(1) })
  catalogue.setWorkspace(workspace(2), { organization_id: organization(1) })
  catalogue.setWorkspace(workspace(3), { organization_id: organization(2) })
  return catalogue
}
const withAgents = (...labels: ReadonlyArray<Record<string, string>>): Catalogue => {
  const catalogue = tenants()
  labels.forEach((each, index) => catalogue.setAgent(agentId(index + 1), { workspace_id: workspace(1), labels: each }))
  catalogue.settle()
  return catalogue
}
const keysOf = (catalogue: Catalogue, id: AgentId) => catalogue.manifestOf(id)?.entries.map(({ key }) => key) ?? []
const generation = (catalogue: Catalogue, id: AgentId) => catalogue.manifestOf(id)?.generation

describe("Catalogue", () => {
  it("brings a host with its upstreams by id and by name, its certificate and its template", () => {
    const catalogue = withAgents({})
    catalogue.setUpstream(upstreamId(1), upstream(1))
    catalogue.setUpstream(upstreamId(2), upstream(2))
    catalogue.setUpstream(upstreamId(3), upstream(3))
    catalogue.setCertificate(certificateId(1), certificate(1))
    catalogue.setHost(
      hostId(1),
      host(1, {
        ssl_enabled: true,
        ssl_certificate_id: certificateId(1),
        template: "api",
        locations: [
          location({ return: null, upstream_id: upstreamId(1) }),
          location({ path: "/named", return: null, proxy_pass: "http://upstream-2/path" })
        ]
      })
    )
    catalogue.settle()
    assert.deepStrictEqual(keysOf(catalogue, agentId(1)), [
      `certificate:${certificateId(1)}`,
      "template:api",
      `upstream:${upstreamId(1)}`,
      `upstream:${upstreamId(2)}`,
      `virtual_host:${hostId(1)}`
    ])
  })

  it("leaves out disabled hosts and what only they need", () => {
    const catalogue = withAgents({})
    catalogue.setUpstream(upstreamId(1), upstream(1))
    const proxied = host(1, { locations: [location({ return: null, upstream_id: upstreamId(1) })] })
    catalogue.setHost(hostId(1), proxied)
    catalogue.settle()
    assert.lengthOf(keysOf(catalogue, agentId(1)), 3)
    catalogue.setHost(hostId(1), { ...proxied, enabled: false })
    assert.deepStrictEqual([...catalogue.settle()], [agentId(1)])
    assert.deepStrictEqual(keysOf(catalogue, agentId(1)), [])
  })

  it("takes a custom template with its partials, of the host's own workspace", () => {
    const catalogue = withAgents({})
    catalogue.setTemplate(templateId(1), template(1, { name: "site", source: "server { {{> part}} }" }))
    catalogue.setTemplate(templateId(2), template(2, { name: "part", source: "# {{> site}}" }))
    catalogue.setTemplate(templateId(3), template(3, { name: "part", workspace_id: workspace(2) }))
    catalogue.setHost(hostId(1), host(1, { template: "site" }))
    catalogue.settle()
    assert.deepStrictEqual(keysOf(catalogue, agentId(1)), [
      `template:${workspace(1)}/part`,
      `template:${workspace(1)}/site`,
      `virtual_host:${hostId(1)}`
    ])
    catalogue.setTemplate(templateId(1), template(1, { name: "site", source: "server {}" }))
    assert.deepStrictEqual([...catalogue.settle()], [agentId(1)])
    assert.lengthOf(keysOf(catalogue, agentId(1)), 2)
  })

  it("affects only agents whose bundle holds what changed", () => {
    const catalogue = withAgents({ tier: "edge" }, { tier: "core" })
    catalogue.setUpstream(upstreamId(1), upstream(1))
    catalogue.setHost(
      hostId(1),
      host(1, {
        target_agents: labelled({ tier: "edge" }),
        locations: [location({ return: null, upstream_id: upstreamId(1) })]
      })
    )
    catalogue.settle()
    generation(catalogue, agentId(1))
    generation(catalogue, agentId(2))
    catalogue.setUpstream(upstreamId(1), upstream(1, { keepalive_connections: 8 }))
    assert.deepStrictEqual([...catalogue.settle()], [agentId(1)])
  })

  it("affects nobody when only stamps changed", () => {
    const catalogue = withAgents({})
    catalogue.setHost(hostId(1), host(1))
    catalogue.settle()
    const before = catalogue.manifestOf(agentId(1))
    catalogue.setHost(hostId(1), host(1, { revision: 9, updated_at: "2026-03-03T00:00:00.000Z" }))
    assert.strictEqual(catalogue.settle().size, 0)
    assert.strictEqual(catalogue.manifestOf(agentId(1)), before)
  })

  it("follows an upstream that takes or loses the name a host uses", () => {
    const catalogue = withAgents({})
    catalogue.setHost(hostId(1), host(1, { locations: [location({ return: null, proxy_pass: "http://backend" })] }))
    catalogue.settle()
    assert.lengthOf(keysOf(catalogue, agentId(1)), 2)
    catalogue.setUpstream(upstreamId(1), upstream(1, { name: "backend" }))
    assert.deepStrictEqual([...catalogue.settle()], [agentId(1)])
    assert.include(keysOf(catalogue, agentId(1)), `upstream:${upstreamId(1)}`)
    catalogue.setUpstream(upstreamId(1), upstream(1, { name: "other" }))
    assert.deepStrictEqual([...catalogue.settle()], [agentId(1)])
    assert.lengthOf(keysOf(catalogue, agentId(1)), 2)
  })

  it("shares one manifest among agents of one selection, and parts them when a host names one", () => {
    const catalogue = withAgents({ rack: "1" }, { rack: "2" })
    catalogue.setHost(hostId(1), host(1))
    catalogue.settle()
    assert.strictEqual(catalogue.manifestOf(agentId(1)), catalogue.manifestOf(agentId(2)))
    assert.strictEqual(catalogue.groupCount, 1)
    catalogue.setHost(hostId(2), host(2, { target_agents: only(2) }))
    assert.deepStrictEqual([...catalogue.settle()], [agentId(2)])
    assert.notStrictEqual(generation(catalogue, agentId(1)), generation(catalogue, agentId(2)))
    catalogue.setHost(hostId(2), undefined)
    assert.deepStrictEqual([...catalogue.settle()], [agentId(2)])
    assert.strictEqual(catalogue.groupCount, 1)
  })

  it("follows a change of an agent's labels", () => {
    const catalogue = withAgents({}, {})
    catalogue.setHost(hostId(1), host(1, { target_agents: labelled({ tier: "edge" }) }))
    catalogue.settle()
    assert.deepStrictEqual(keysOf(catalogue, agentId(1)), [])
    catalogue.setAgent(agentId(1), { workspace_id: workspace(1), labels: { tier: "edge" } })
    assert.deepStrictEqual([...catalogue.settle()], [agentId(1)])
    assert.lengthOf(keysOf(catalogue, agentId(1)), 2)
  })

  it("gives a global host to every workspace of its organization, with its own workspace's upstreams", () => {
    const catalogue = tenants()
    ;[1, 2, 3].forEach((number) => catalogue.setAgent(agentId(number), { workspace_id: workspace(number), labels: {} }))
    catalogue.setUpstream(upstreamId(1), upstream(1, { name: "backend" }))
    catalogue.setUpstream(upstreamId(2), upstream(2, { name: "backend", workspace_id: workspace(2) }))
    const shared = host(1, {
      target_agents: { scope: "global" },
      locations: [location({ return: null, proxy_pass: "http://backend" })]
    })
    catalogue.setHost(hostId(1), shared)
    catalogue.settle()
    const expected = ["template:default", `upstream:${upstreamId(1)}`, `virtual_host:${hostId(1)}`]
    assert.deepStrictEqual(keysOf(catalogue, agentId(1)), expected)
    assert.deepStrictEqual(keysOf(catalogue, agentId(2)), expected)
    assert.deepStrictEqual(keysOf(catalogue, agentId(3)), [])
  })

  it("forgets an agent that is removed", () => {
    const catalogue = withAgents({})
    generation(catalogue, agentId(1))
    catalogue.setAgent(agentId(1), undefined)
    catalogue.settle()
    assert.isUndefined(catalogue.manifestOf(agentId(1)))
    assert.strictEqual(catalogue.groupCount, 0)
  })

  const Selector = Schema.Literals(["global", "workspace", "edge", "core", "one", "two"])
  const Step = Schema.Union([
    Schema.Struct({
      set: Schema.Literal("host"),
      id: Schema.Literals([1, 2, 3]),
      selector: Selector,
      backend: Schema.Literals([1, 2, 3]),
      enabled: Schema.Boolean
    }),
    Schema.Struct({ set: Schema.Literal("no host"), id: Schema.Literals([1, 2, 3]) }),
    Schema.Struct({
      set: Schema.Literal("upstream"),
      id: Schema.Literals([1, 2]),
      name: Schema.Literals([1, 2, 3]),
      keepalive: Schema.Literals([1, 2])
    }),
    Schema.Struct({
      set: Schema.Literal("agent"),
      id: Schema.Literals([1, 2]),
      tier: Schema.Literals(["edge", "core"])
    })
  ])
  type Step = typeof Step.Type

  const take = (catalogue: Catalogue, step: Step): void => {
    switch (step.set) {
      case "host": {
        const selectors = {
          global: { scope: "global" },
          workspace: { scope: "workspace" },
          edge: labelled({ tier: "edge" }),
          core: labelled({ tier: "core" }),
          one: only(1),
          two: only(2)
        } as const
        catalogue.setHost(
          hostId(step.id),
          host(step.id, {
            enabled: step.enabled,
            target_agents: selectors[step.selector],
            locations: [location({ return: null, proxy_pass: `http://upstream-${step.backend}` })]
          })
        )
        return
      }
      case "no host":
        catalogue.setHost(hostId(step.id), undefined)
        return
      case "upstream":
        catalogue.setUpstream(
          upstreamId(step.id),
          upstream(step.id, { name: `upstream-${step.name}`, keepalive_connections: step.keepalive })
        )
        return
      case "agent":
        catalogue.setAgent(agentId(step.id), { workspace_id: workspace(1), labels: { tier: step.tier } })
    }
  }

  it.prop(
    "has after any changes what it would have if built from the end state, and reports every agent that differs",
    [Schema.Array(Step).check(Schema.isMaxLength(24))],
    ([steps]) => {
      const followed = withAgents({ tier: "edge" }, { tier: "core" })
      const ids = [agentId(1), agentId(2)]
      for (const [index, step] of steps.entries()) {
        const before = ids.map((id) => generation(followed, id))
        take(followed, step)
        const affected = followed.settle()
        const fresh = withAgents({ tier: "edge" }, { tier: "core" })
        for (const past of steps.slice(0, index + 1)) take(fresh, past)
        fresh.settle()
        ids.forEach((id, position) => {
          assert.strictEqual(generation(followed, id), generation(fresh, id))
          if (generation(followed, id) !== before[position]) assert.isTrue(affected.has(id))
        })
      }
    },
    { arbitrary: { seed: 20_260_302, runs: 200 } }
  )

  it("computes a delta that turns one manifest into the other", () => {
    const catalogue = withAgents({})
    for (const number of [1, 2, 3]) catalogue.setHost(hostId(number), host(number))
    catalogue.settle()
    const base = catalogue.manifestOf(agentId(1))
    catalogue.setHost(hostId(1), undefined)
    catalogue.setHost(hostId(2), host(2, { gzip_enabled: true }))
    catalogue.setHost(hostId(4), host(4))
    catalogue.settle()
    const target = catalogue.manifestOf(agentId(1))
    assert.isDefined(base)
    assert.isDefined(target)
    const delta = deltaBetween(base, target)
    assert.deepStrictEqual(delta.removed, [`virtual_host:${hostId(1)}`])
    assert.deepStrictEqual(
      delta.put.map(({ key }) => key),
      [`virtual_host:${hostId(2)}`, `virtual_host:${hostId(4)}`]
    )
    const kept = base.entries.filter(
      ({ key }) => !delta.removed.includes(key) && !delta.put.some((put) => put.key === key)
    )
    assert.strictEqual(generationOf([...kept, ...delta.put]), target.generation)
    assert.deepStrictEqual(deltaBetween(target, target), { put: [], removed: [] })
  })

  it("takes in one change among 5,000 hosts and 2,000 agents in far less than 10 ms", () => {
    const catalogue = tenants()
    for (let number = 1; number <= 2_000; number++) {
      const labels = { tier: number % 2 === 0 ? "edge" : "core", rack: String(number) }
      catalogue.setAgent(agentId(number), { workspace_id: workspace(1), labels })
    }
    for (let number = 1; number <= 5_000; number++) {
      catalogue.setHost(
        hostId(number),
        host(number, number % 10 === 0 ? { target_agents: labelled({ tier: "edge" }) } : {})
      )
    }
    catalogue.settle()
    for (let number = 1; number <= 2_000; number++) generation(catalogue, agentId(number))
    assert.strictEqual(catalogue.groupCount, 2)
    const started = process.hrtime.bigint()
    const rounds = 20
    for (let round = 0; round < rounds; round++) {
      catalogue.setHost(hostId(1), host(1, { gzip_enabled: round % 2 === 0 }))
      assert.strictEqual(catalogue.settle().size, 2_000)
      generation(catalogue, agentId(1))
      generation(catalogue, agentId(2))
    }
    const millis = Number(process.hrtime.bigint() - started) / 1e6 / rounds
    // Two groups are hashed in each round; the bound leaves room for a busy machine.
    assert.isBelow(millis, 60)
  })
})
