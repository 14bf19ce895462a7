import { assert, describe, it } from "@effect/vitest"
import { allowedBy, isLoopback, plainAddress } from "../../src/network/AddressSet.ts"
import { shutOut } from "../../src/network/ShutOut.ts"

describe("an allowlist", () => {
  it("lets everybody in when it is empty", () => {
    for (const address of ["192.0.2.1", "2001:db8::1"]) assert.isTrue(allowedBy([])(address), address)
  })

  it("knows blocks and single addresses of both families, and IPv4 in the form of IPv6", () => {
    const isAllowed = allowedBy(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"])
    const allowed = ["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8:1::5", "2001:db8::1%eth0"]
    const refused = ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::1", "", "not an address", "::ffff:11.0.0.1"]
    for (const address of allowed) assert.isTrue(isAllowed(address), address)
    for (const address of refused) assert.isFalse(isAllowed(address), address)
  })

  it("of the whole of one family lets nobody of the other in", () => {
    assert.isFalse(allowedBy(["0.0.0.0/0"])("2001:db8::1"))
    assert.isTrue(allowedBy(["0.0.0.0/0"])("::ffff:192.0.2.1"))
  })

  it("takes the loopback's addresses for its own", () => {
    for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) assert.isTrue(isLoopback(address))
    assert.isFalse(isLoopback("128.0.0.1"))
  })

  it("compares a link-local address without its interface", () => {
    assert.strictEqual(plainAddress("fe80::1%eth0"), "fe80::1")
  })
})

describe("a list that is to be saved", () => {
  const agents = [
    { name: "edge-1", address: "10.0.0.1" },
    { name: "edge-2", address: "192.0.2.2" }
  ]
  const present = { asker: "198.51.100.9", agents }

  it("shuts nobody out when it holds everybody", () => {
    const lists = { api_allowlist: ["198.51.100.0/24"], agent_allowlist: ["10.0.0.0/8", "192.0.2.0/24"] }
    assert.deepStrictEqual(shutOut(lists, present), [])
    assert.deepStrictEqual(shutOut({ api_allowlist: [], agent_allowlist: [] }, present), [])
  })

  it("names who asks and each agent that it would shut out", () => {
    const [own, agent, ...more] = shutOut({ api_allowlist: ["10.0.0.0/8"], agent_allowlist: ["10.0.0.0/8"] }, present)
    assert.strictEqual(own?.field, "network.api_allowlist")
    assert.include(own?.message, "198.51.100.9")
    assert.strictEqual(agent?.field, "network.agent_allowlist")
    assert.include(agent?.message, "edge-2 (192.0.2.2)")
    assert.notInclude(agent?.message, "edge-1")
    assert.lengthOf(more, 0)
  })

  it("names a few of many", () => {
    const many = Array.from({ length: 40 }, (_, number) => ({ name: `edge-${number}`, address: `192.0.2.${number}` }))
    const lists = { api_allowlist: [], agent_allowlist: ["10.0.0.0/8"] }
    const [detail] = shutOut(lists, { asker: null, agents: many })
    assert.include(detail?.message, "40 agents")
    assert.include(detail?.message, "and 35 more")
  })
})
