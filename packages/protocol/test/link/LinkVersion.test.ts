import { commonVersion } from "@nxmesh/protocol/link/LinkVersion"
import { isPermanentRefusal, refusalReasons, refused } from "@nxmesh/protocol/link/LinkRefused"
import { Registration } from "@nxmesh/protocol/link/Registration"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const range = (oldest: number, newest: number) => ({ oldest, newest })

describe("commonVersion", () => {
  it("is the newest that both speak, whoever asks", () => {
    for (const [a, b, common] of [
      [range(1, 1), range(1, 1), 1],
      [range(1, 3), range(2, 5), 3],
      [range(4, 9), range(1, 4), 4],
      [range(1, 2), range(3, 4), null]
    ] as const) {
      assert.strictEqual(commonVersion(a, b), common)
      assert.strictEqual(commonVersion(b, a), common)
    }
  })
})

describe("refused", () => {
  it("says for every reason whether trying again can help", () => {
    for (const reason of refusalReasons) {
      assert.strictEqual(refused(reason, "why").permanent, isPermanentRefusal(reason))
    }
    assert.isFalse(refused("unavailable", "why").permanent)
    assert.isTrue(refused("unknown_agent", "why").permanent)
  })
})

describe("link messages", () => {
  it("ignore fields of a newer peer", () => {
    const message = {
      protocol: { oldest: 1, newest: 1, flavour: "x" },
      facts: { hostname: "h", version: "1", deployment_mode: "standalone", nginx: null, capabilities: [], kernel: "6" },
      connection_epoch: 1,
      highest_order: null,
      serving: null,
      mood: "fine"
    }
    const decoded = Schema.decodeUnknownSync(Registration)(message)
    assert.notProperty(decoded, "mood")
    assert.notProperty(decoded.facts, "kernel")
  })
})
