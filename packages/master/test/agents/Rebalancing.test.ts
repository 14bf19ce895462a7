import { assert, describe, it } from "@effect/vitest"
import { AgentId } from "@nxmesh/protocol/Ids"
import { preferredOrder } from "@nxmesh/protocol/link/MasterPreference"
import { agentsToSendHome, type HeldAgent } from "../../src/agents/Rebalancing.ts"
import { uuid } from "../config/Fixtures.ts"

const policy = { toleranceFactor: 1.1, slack: 8, steadyMillis: 30_000, patienceMillis: 3_600_000, agentsMax: 25 }
const addresses = ["m1:8443", "m2:8443", "m3:8443"]
const agent = (number: number, fields: Partial<HeldAgent> = {}): HeldAgent => ({
  id: AgentId.make(uuid(7, number)),
  ranks: true,
  dismissedAtMillis: null,
  ...fields
})
const agents = Array.from({ length: 3_000 }, (_, index) => agent(index + 1))
const prefers = ({ id }: HeldAgent) => preferredOrder(id, addresses)[0]
const other = (address: string, sessions: number, steadySinceMillis: number | null = 0) => ({
  address,
  sessions,
  steadySinceMillis
})
const home = (held: ReadonlyArray<HeldAgent>, others: ReadonlyArray<ReturnType<typeof other>>, nowMillis = 60_000) =>
  agentsToSendHome(policy, { address: "m1:8443", sessions: held.length }, others, held, nowMillis)

describe("agentsToSendHome", () => {
  it("sends a bounded number of guests to the master that returned, and only guests", () => {
    const held = agents.slice(0, 1_500)
    const sent = home(held, [other("m2:8443", 1_500), other("m3:8443", 0)])
    assert.lengthOf(sent, 25)
    for (const id of sent) assert.notStrictEqual(preferredOrder(id, addresses)[0], "m1:8443")
  })

  it("sends nobody while it holds its share, or little more", () => {
    const held = agents.slice(0, 1_100)
    assert.deepStrictEqual(home(held, [other("m2:8443", 1_000), other("m3:8443", 950)]), [])
  })

  it("stops at its share", () => {
    const held = agents.slice(0, 120)
    assert.isAtMost(home(held, [other("m2:8443", 60)]).length, 30)
  })

  it("sends nobody to a master that is not well, or not for long enough", () => {
    const held = agents.slice(0, 1_500)
    assert.deepStrictEqual(home(held, [other("m2:8443", 0, null)]), [])
    assert.deepStrictEqual(home(held, [other("m2:8443", 0, 40_000)]), [])
    assert.deepStrictEqual(home(held, []), [])
  })

  it("does not count a master that is down among those who share", () => {
    const held = agents.slice(0, 1_500)
    assert.deepStrictEqual(home(held, [other("m2:8443", 1_500), other("m3:8443", 0, null)]), [])
  })

  it("sends an agent once in an hour, and never one that ranks no masters", () => {
    const others = [other("m2:8443", 0), other("m3:8443", 0)]
    const held = agents.slice(0, 300)
    const tried = held.map((each) => ({ ...each, dismissedAtMillis: 50_000 }))
    assert.deepStrictEqual(home(tried, others), [])
    assert.isNotEmpty(home(tried, others, 50_000 + policy.patienceMillis))
    assert.deepStrictEqual(
      home(
        held.map((each) => ({ ...each, ranks: false })),
        others
      ),
      []
    )
  })

  it("comes to an end with no master over its share by more than the tolerance", () => {
    const holders = new Map(addresses.map((address) => [address, new Set<HeldAgent>()]))
    for (const [index, each] of agents.entries()) holders.get(addresses[index % 2] ?? "")?.add(each)
    for (let second = 0; second < 200; second++) {
      for (const address of addresses) {
        const held = holders.get(address) ?? new Set<HeldAgent>()
        const others = addresses
          .filter((each) => each !== address)
          .map((each) => other(each, holders.get(each)?.size ?? 0))
        const sent = new Set(
          agentsToSendHome(policy, { address, sessions: held.size }, others, held, 60_000 + second * 1_000)
        )
        for (const each of held) {
          if (!sent.has(each.id)) continue
          held.delete(each)
          holders.get(prefers(each) ?? "")?.add(each)
        }
      }
    }
    for (const held of holders.values()) assert.isTrue(held.size > 780 && held.size <= 1_108, String(held.size))
  })
})
