import { generateKeyPairSync, sign } from "node:crypto"
import { isIdentityHeader, signatureOnly } from "@nxmesh/master/link/CallVerification"
import { provesKey } from "@nxmesh/master/link/EnrolmentProof"
import { tokenRefusal } from "@nxmesh/master/link/StoredDirectory"
import { AgentId, EnrolmentTokenId } from "@nxmesh/protocol/Ids"
import { enrolmentProofText } from "@nxmesh/protocol/link/SignedCall"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"

describe("signatureOnly", () => {
  const allowed = new Set(["x-nonce"])
  it("takes each allowed header once", () => {
    assert.deepStrictEqual(signatureOnly([["x-nonce", "1"]], allowed), Result.succeed({ "x-nonce": "1" }))
  })
  it("refuses a foreign header, one that is there twice, and names that only look allowed", () => {
    for (const headers of [
      [["x-peer", "1"]],
      [
        ["x-nonce", "1"],
        ["x-nonce", "2"]
      ],
      [["X-Nonce", "1"]],
      [["__proto__", "1"]]
    ] as ReadonlyArray<ReadonlyArray<readonly [string, string]>>) {
      assert.isTrue(Result.isFailure(signatureOnly(headers, allowed)))
    }
  })
})

describe("isIdentityHeader", () => {
  it("knows the headers by which someone would claim to be someone", () => {
    for (const name of [
      "x-agent-id",
      "x-key-id",
      "x-signature",
      "authorization",
      "forwarded",
      "x-forwarded-for",
      "x-peer"
    ]) {
      assert.isTrue(isIdentityHeader(name), name)
    }
  })
  it("lets the headers of an upgrade pass", () => {
    for (const name of ["host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "user-agent"]) {
      assert.isFalse(isIdentityHeader(name), name)
    }
  })
})

describe("provesKey", () => {
  const pair = generateKeyPairSync("ed25519")
  const public_key = pair.publicKey.export({ format: "der", type: "spki" }).toString("base64")
  const proof = (text: string) => sign(null, Buffer.from(text), pair.privateKey).toString("base64")
  const right = { token: "t", public_key, proof: proof(enrolmentProofText("t", "binding")) }

  it("takes the token's signature on this connection", () => assert.isTrue(provesKey(right, "binding")))
  it("refuses another connection, another token, another key and what is no key", () => {
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey
    assert.isFalse(provesKey(right, "other"))
    assert.isFalse(provesKey({ ...right, token: "u" }, "binding"))
    assert.isFalse(
      provesKey({ ...right, public_key: ec.export({ format: "der", type: "spki" }).toString("base64") }, "binding")
    )
    assert.isFalse(provesKey({ ...right, public_key: "AAAA" }, "binding"))
  })
})

describe("tokenRefusal", () => {
  const now = "2026-03-02T14:30:00.000Z"
  const token = {
    id: EnrolmentTokenId.make("018f0000-0000-7000-8000-000000000001"),
    agent_id: AgentId.make("018f0000-0000-7000-8000-000000000002"),
    created_at: now,
    expires_at: "2026-03-02T15:30:00.000Z",
    used_at: null
  }
  it("lets a fresh token pass, and the same key once more", () => {
    assert.isNull(tokenRefusal(token, undefined, { public_key: "k" }, now))
    assert.isNull(tokenRefusal({ ...token, used_at: now }, "k", { public_key: "k" }, now))
  })
  it("refuses a token that is unknown, expired, or used by another key", () => {
    assert.match(tokenRefusal(undefined, undefined, { public_key: "k" }, now) ?? "", /unknown/)
    assert.match(tokenRefusal(token, undefined, { public_key: "k" }, token.expires_at) ?? "", /expired/)
    assert.match(tokenRefusal({ ...token, used_at: now }, "other", { public_key: "k" }, now) ?? "", /used/)
  })
})
