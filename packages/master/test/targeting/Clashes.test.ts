import { assert, describe, it } from "@effect/vitest"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import {
  type ClashReader,
  clashesOfAgent,
  clashesOfHost,
  clashKeys,
  clashRejection
} from "../../src/targeting/Clashes.ts"
import type { AgentTarget } from "../../src/targeting/Targets.ts"
import { agent, host, labelled, only, organization, workspace } from "../config/Fixtures.ts"

/** Workspaces 1 and 2 belong to organization 1, workspace 3 to organization 2. */
const organizationOf: ClashReader["organizationOf"] = (id) => organization(id === workspace(3) ? 2 : 1)

const reader = (hosts: ReadonlyArray<VirtualHost>, agents: ReadonlyArray<AgentTarget>): ClashReader => ({
  organizationOf,
  hostsWithKeys: (organizationId, keys) =>
    hosts.filter(
      (each) =>
        each.enabled &&
        organizationOf(each.workspace_id) === organizationId &&
        clashKeys(each).some((key) => keys.includes(key))
    ),
  agentsOf: (organizationId, workspaceId) =>
    agents.filter(
      (each) => each.organization_id === organizationId && (workspaceId === null || each.workspace_id === workspaceId)
    )
})

const fieldsOf = (saved: VirtualHost, others: ReadonlyArray<VirtualHost>, agents = [agent(1)]) =>
  clashesOfHost(saved, reader(others, agents)).map(({ field }) => field)

describe("clashes of a host", () => {
  it("refuses a server name twice on one port, in any case of letters", () => {
    const saved = host(1, { server_name: "a.example.com,WWW.example.com" })
    assert.deepStrictEqual(fieldsOf(saved, [host(2, { server_name: "www.EXAMPLE.com" })]), ["server_name"])
    assert.deepStrictEqual(fieldsOf(saved, [host(2, { server_name: "www.example.com", listen_port: 8080 })]), [])
  })

  it("refuses TLS and plain HTTP on one port", () => {
    const plain = host(1, { listen_port: 8443 })
    const tls = host(2, { listen_port: 8443, ssl_enabled: true })
    assert.deepStrictEqual(fieldsOf(plain, [tls]), ["listen_port"])
    assert.deepStrictEqual(fieldsOf(tls, [plain]), ["listen_port"])
  })

  it("refuses the PROXY protocol beside hosts without it", () => {
    const proxied = host(1, { real_ip: { from: ["10.0.0.0/8"], header: "proxy_protocol", recursive: true } })
    assert.deepStrictEqual(fieldsOf(proxied, [host(2)]), ["real_ip"])
  })

  it("counts the port that a redirect to HTTPS listens on", () => {
    const redirecting = host(1, { listen_port: 443, ssl_enabled: true, redirect_http: true })
    const plain = host(2, { server_name: redirecting.server_name })
    assert.deepStrictEqual(fieldsOf(redirecting, [plain]), ["redirect_http"])
    assert.deepStrictEqual(fieldsOf(plain, [redirecting]), ["server_name"])
    const tlsOn80 = host(3, { ssl_enabled: true })
    assert.deepStrictEqual(fieldsOf(redirecting, [tlsOn80]), ["redirect_http"])
  })

  it("ignores disabled hosts, the saved one itself, and other organizations", () => {
    const saved = host(1)
    const twin = { server_name: saved.server_name }
    assert.deepStrictEqual(fieldsOf(saved, [host(2, { ...twin, enabled: false })]), [])
    assert.deepStrictEqual(fieldsOf({ ...saved, enabled: false }, [host(2, twin)]), [])
    assert.deepStrictEqual(fieldsOf(saved, [saved]), [])
    const foreign = host(2, { ...twin, workspace_id: workspace(3), target_agents: { scope: "global" } })
    assert.deepStrictEqual(fieldsOf(saved, [foreign]), [])
  })

  it("lets hosts that share no agent have the same name", () => {
    const edge = host(1, { server_name: "a.example.com", target_agents: labelled({ tier: "edge" }) })
    const core = host(2, { server_name: "a.example.com", target_agents: labelled({ tier: "core" }) })
    const agents = [agent(1, { labels: { tier: "edge" } }), agent(2, { labels: { tier: "core" } })]
    assert.deepStrictEqual(fieldsOf(edge, [core], agents), [])
    const both = host(3, { server_name: "a.example.com", target_agents: only(2) })
    assert.deepStrictEqual(fieldsOf(both, [edge, core], agents), ["server_name"])
  })

  it("finds a global host of another workspace in the way", () => {
    const everywhere = host(2, {
      workspace_id: workspace(2),
      server_name: "site-1.example.com",
      target_agents: { scope: "global" }
    })
    assert.deepStrictEqual(fieldsOf(host(1), [everywhere]), ["server_name"])
    assert.deepStrictEqual(fieldsOf(everywhere, [host(1)]), ["server_name"])
  })

  it("names the other host", () => {
    const [clash] = clashesOfHost(host(1), reader([host(2, { server_name: "site-1.example.com" })], [agent(1)]))
    assert.include(clash?.message, 'already served by virtual host "host-2"')
    assert.deepStrictEqual(
      clash?.hosts.map(({ name }) => name),
      ["host-2", "host-1"]
    )
    assert.strictEqual(clashRejection(clash === undefined ? [] : [clash]).code, "CLASH")
  })
})

describe("clashes of an agent", () => {
  const edge = host(1, { server_name: "a.example.com", target_agents: labelled({ tier: "edge" }) })
  const core = host(2, { server_name: "a.example.com", target_agents: labelled({ zone: "a" }) })

  it("refuses labels that bring two clashing hosts together", () => {
    const clashes = clashesOfAgent(agent(1, { labels: { tier: "edge", zone: "a" } }), reader([edge, core], []))
    assert.deepStrictEqual(
      clashes.map(({ field }) => field),
      ["labels"]
    )
    assert.deepStrictEqual(clashesOfAgent(agent(1, { labels: { tier: "edge" } }), reader([edge, core], [])), [])
  })

  it("refuses the first agent of a workspace whose hosts clash", () => {
    const hosts = [host(1), host(2, { server_name: "site-1.example.com" })]
    assert.lengthOf(clashesOfAgent(agent(1), reader(hosts, [])), 1)
  })

  it("counts hosts that name the agent even where a twin has the same labels", () => {
    const mine = host(3, { server_name: "site-4.example.com", target_agents: only(1) })
    assert.lengthOf(clashesOfAgent(agent(1), reader([mine, host(4)], [agent(2)])), 1)
  })

  it("reads no hosts beyond those that name the agent when a twin has all of its labels", () => {
    const twin = agent(2, { labels: { tier: "edge", rack: "1" } })
    const base = reader([], [twin])
    const strict: ClashReader = {
      ...base,
      hostsWithKeys: (_, keys) => {
        assert.deepStrictEqual(keys, [`target:agent:${agent(1).id}`])
        return []
      }
    }
    assert.deepStrictEqual(clashesOfAgent(agent(1, { labels: { tier: "edge" } }), strict), [])
  })

  it("reports a bounded number of clashes among many hosts", () => {
    const hosts = Array.from({ length: 5_000 }, (_, index) => host(index, { server_name: "same.example.com" }))
    assert.lengthOf(clashesOfAgent(agent(1), reader(hosts, [])), 10)
  })
})
