import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { clientAddressBehind } from "../../src/api/ClientAddress.ts"
import { readBlocks } from "../../src/SettingValues.ts"

const client = clientAddressBehind(Result.getOrThrow(readBlocks("10.0.0.0/8, 127.0.0.1, fd00::/8")))

describe("clientAddressBehind", () => {
  it("believes nobody who is not a trusted proxy", () => {
    assert.strictEqual(client("192.0.2.1", "203.0.113.9"), "192.0.2.1")
    assert.strictEqual(client("192.0.2.1", undefined), "192.0.2.1")
    assert.strictEqual(clientAddressBehind([])("127.0.0.1", "203.0.113.9"), "127.0.0.1")
  })

  it("takes the address that the last trusted proxy saw, whatever the client wrote before it", () => {
    assert.strictEqual(client("127.0.0.1", "203.0.113.9"), "203.0.113.9")
    assert.strictEqual(client("127.0.0.1", "1.1.1.1, 203.0.113.9, 10.1.2.3"), "203.0.113.9")
    assert.strictEqual(client("::ffff:127.0.0.1", "::ffff:203.0.113.9"), "203.0.113.9")
    assert.strictEqual(client("fd00::1", "[2001:db8::7]:4711"), "2001:db8::7")
    assert.strictEqual(client("127.0.0.1", "203.0.113.9:4711"), "203.0.113.9")
  })

  it("stops at what is no address, and keeps the proxy when there is nothing before it", () => {
    assert.strictEqual(client("127.0.0.1", "203.0.113.9, unknown"), "127.0.0.1")
    assert.strictEqual(client("127.0.0.1", ""), "127.0.0.1")
    assert.strictEqual(client("127.0.0.1", "10.0.0.2"), "10.0.0.2")
  })
})

describe("readBlocks", () => {
  it("refuses what is no address and no block", () => {
    for (const text of ["proxy", "10.0.0.0/33", "10.0.0.0/8/8", "::1/129", "10.0.0.0/", "10.0.0.0/-1"]) {
      assert.isTrue(Result.isFailure(readBlocks(text)), text)
    }
    assert.deepStrictEqual(Result.getOrThrow(readBlocks("")), [])
  })
})
