import {
  type AgentKeys,
  callHeaders,
  canonicalCall,
  type ReceivedCall,
  readCallClaim,
  signCall,
  type SignedCall,
  verifyCall
} from "@nxmesh/core/crypto/CallSignature"
import { NonceCache } from "@nxmesh/core/crypto/NonceCache"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result, Schema } from "effect"

const key = (fill: number) => Redacted.make(new Uint8Array(32).fill(fill))
const [primary, secondary] = [key(1), key(2)]
const now = 1_700_000_000_000
const window = 5 * 60_000

const call: SignedCall = {
  agentId: "agent-1",
  keyId: "key-1",
  method: "POST",
  path: "ReportHealth",
  body: '{"healthy":true}',
  timestampMillis: now,
  nonce: Buffer.alloc(16, 9).toString("base64url"),
  binding: new Uint8Array(32).fill(5)
}
const received = (over: Partial<SignedCall> = {}, signWith = primary): ReceivedCall => {
  const sent = { ...call, ...over }
  return {
    headers: signCall(sent, signWith),
    method: sent.method,
    path: sent.path,
    body: sent.body,
    binding: sent.binding
  }
}
const cache = () => new NonceCache({ windowMillis: 2 * window, countMax: 100 })
const keys = new Map([["key-1", primary]])

const verdict = (
  got: ReceivedCall,
  { at = now, known = keys, nonces = cache() }: { at?: number; known?: AgentKeys | null; nonces?: NonceCache } = {}
): string => {
  const claim = readCallClaim(got.headers)
  if (Result.isFailure(claim)) return claim.failure.reason
  const result = verifyCall(got, claim.success, { nowMillis: at, keys: known ?? undefined, nonces })
  return Result.isFailure(result) ? result.failure.reason : "Accepted"
}

describe("CallSignature", () => {
  it("accepts a call as it was signed", () => {
    assert.strictEqual(verdict(received()), "Accepted")
  })

  it("refuses a call that was recorded and sent again", () => {
    const nonces = cache()
    assert.strictEqual(verdict(received(), { nonces }), "Accepted")
    assert.strictEqual(verdict(received(), { nonces }), "Replayed")
    assert.strictEqual(verdict(received(), { nonces, at: now + window }), "Replayed")
  })

  it.each([
    ["method", { method: "GET" }],
    ["path", { path: "ReportLogs" }],
    ["body", { body: '{"healthy":false}' }],
    ["connection", { binding: new Uint8Array(32).fill(6) }]
  ] as const)("refuses a call whose %s is another one", (_, change) => {
    assert.strictEqual(verdict({ ...received(), ...change }), "BadSignature")
  })

  it.each(Object.values(callHeaders))("refuses a call without %s, and one with another's", (name) => {
    const { [name]: _, ...rest } = received().headers
    assert.strictEqual(verdict({ ...received(), headers: rest }), "Malformed")
    const other = received({ agentId: "agent-2", nonce: "B".repeat(22), timestampMillis: now + 1 }, secondary)
    const mixed = { ...received().headers, [name]: other.headers[name] }
    if (mixed[name] !== received().headers[name]) {
      assert.strictEqual(verdict({ ...received(), headers: mixed }), "BadSignature")
    }
  })

  it("allows clocks five minutes apart and not more", () => {
    assert.strictEqual(verdict(received(), { at: now + window }), "Accepted")
    assert.strictEqual(verdict(received(), { at: now + window + 1 }), "Stale")
    assert.strictEqual(verdict(received(), { at: now - window }), "Accepted")
    assert.strictEqual(verdict(received(), { at: now - window - 1 }), "Future")
  })

  it("tells what both clocks say when they are too far apart", () => {
    const claim = Result.getOrThrow(readCallClaim(received().headers))
    for (const nowMillis of [now + 2 * window, now - 2 * window]) {
      const result = verifyCall(received(), claim, { nowMillis, keys, nonces: cache() })
      const message = Result.isFailure(result) ? result.failure.message : ""
      assert.include(message, new Date(now).toISOString())
      assert.include(message, new Date(nowMillis).toISOString())
    }
  })

  it("tells an unknown agent from an unknown key", () => {
    assert.strictEqual(verdict(received(), { known: null }), "UnknownAgent")
    assert.strictEqual(verdict(received({ keyId: "key-9" })), "UnknownKey")
  })

  it("accepts both keys during a rotation, each under its own id", () => {
    const known = new Map([
      ["key-1", primary],
      ["key-2", secondary]
    ])
    assert.strictEqual(verdict(received(), { known }), "Accepted")
    assert.strictEqual(verdict(received({ keyId: "key-2" }, secondary), { known }), "Accepted")
    assert.strictEqual(verdict(received({ keyId: "key-1" }, secondary), { known }), "BadSignature")
  })

  it("does not burn the nonce of a call whose signature is wrong", () => {
    const nonces = cache()
    assert.strictEqual(verdict(received({}, secondary), { nonces }), "BadSignature")
    assert.strictEqual(nonces.size, 0)
    assert.strictEqual(verdict(received(), { nonces }), "Accepted")
  })

  it.each(["", "1e3", "-5", "1700000000000.5", " 1700000000000"])("refuses the timestamp %j", (timestamp) => {
    const headers = { ...received().headers, [callHeaders.timestamp]: timestamp }
    assert.strictEqual(verdict({ ...received(), headers }), "Malformed")
  })

  it.each(["short", "with space with space with", "a".repeat(65), "a\n".repeat(15)])(
    "refuses the nonce %j",
    (nonce) => {
      const headers = { ...received().headers, [callHeaders.nonce]: nonce }
      assert.strictEqual(verdict({ ...received(), headers }), "Malformed")
    }
  )

  it.effect.prop(
    "reads alike for no two different calls",
    [
      Schema.Tuple([Schema.String, Schema.String, Schema.String]),
      Schema.Tuple([Schema.String, Schema.String, Schema.String])
    ],
    ([one, other]) =>
      Effect.sync(() => {
        const canonical = ([agentId, method, path]: readonly [string, string, string]) =>
          canonicalCall({ ...call, agentId, method, path })
        const same = one.every((part, index) => part === other[index])
        assert.strictEqual(canonical(one) === canonical(other), same)
      })
  )

  it("reads a body of bytes as its text", () => {
    assert.strictEqual(canonicalCall({ ...call, body: "é" }), canonicalCall({ ...call, body: Buffer.from("é") }))
  })
})
