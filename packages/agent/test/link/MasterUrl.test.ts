import { addressOf, masterUrl } from "@nxmesh/agent/link/MasterUrl"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"

describe("masterUrl", () => {
  const good: ReadonlyArray<readonly [string, string]> = [
    ["master", "wss://master:8443/agents"],
    ["master:443", "wss://master:443/agents"],
    ["https://master.example:9000", "wss://master.example:9000/agents"],
    [" wss://127.0.0.1:1/x ", "wss://127.0.0.1:1/agents"],
    ["wss://[::1]:8443", "wss://[::1]:8443/agents"]
  ]
  for (const [text, url] of good) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepStrictEqual(masterUrl(text), Result.succeed(url)))
  }
  for (const text of ["", "http://master", "ws://master", "wss://", "wss://a b"]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.isTrue(Result.isFailure(masterUrl(text))))
  }
  it("keeps no brackets around an IPv6 address to connect to", () => {
    assert.deepStrictEqual(addressOf("wss://[::1]:8443/agents"), { host: "::1", port: 8_443 })
  })
})
