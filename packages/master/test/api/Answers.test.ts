import { assert, describe, it } from "@effect/vitest"
import { certificateStatus } from "../../src/api/CertificateView.ts"
import { changeSummary } from "../../src/api/ChangeSummary.ts"
import { ifMatchRevision, isKnown } from "../../src/api/ConditionalRequest.ts"
import { agentEndpoint, enrolmentCommand } from "../../src/api/EnrolmentTokens.ts"
import { derivedIdempotency, idempotencyOf } from "../../src/api/Submission.ts"

describe("ConditionalRequest", () => {
  it("reads a revision out of If-Match, and none out of *", () => {
    assert.strictEqual(ifMatchRevision('"42"'), 42)
    assert.strictEqual(ifMatchRevision("*"), null)
    assert.strictEqual(ifMatchRevision(undefined), null)
  })

  it("finds a known ETag in a list, weak ones too", () => {
    assert.isTrue(isKnown('"1", W/"2"', '"2"'))
    assert.isTrue(isKnown("*", '"2"'))
    assert.isFalse(isKnown('"22"', '"2"'))
    assert.isFalse(isKnown(undefined, '"2"'))
  })
})

describe("ChangeSummary", () => {
  it("names the fields that changed, but no stamp", () => {
    assert.strictEqual(
      changeSummary({ name: "a", port: 1, revision: 1 }, { name: "b", port: 1, revision: 2 }),
      "changed name"
    )
    assert.strictEqual(changeSummary({ name: "a" }, { name: "a" }), "nothing changed")
  })

  it("stays within its bound", () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`field_${index}`, 1]))
    assert.isAtMost(changeSummary({}, many).length, 256)
  })
})

describe("CertificateView", () => {
  it("derives the status from the dates", () => {
    const dates = { issued_at: "2026-01-01T00:00:00.000Z", expires_at: "2026-04-01T00:00:00.000Z" }
    assert.strictEqual(certificateStatus(dates, Date.parse("2025-12-31T23:59:59Z")), "pending")
    assert.strictEqual(certificateStatus(dates, Date.parse("2026-02-01T00:00:00Z")), "active")
    assert.strictEqual(certificateStatus(dates, Date.parse(dates.expires_at)), "expired")
  })
})

describe("EnrolmentTokens", () => {
  const settings = { advertiseAgent: null, agentAddress: { host: "0.0.0.0", port: 8443 } }

  it("leads agents to the advertised address, the one listened on, or the caller's name for this master", () => {
    const advertised = { host: "masters.example.com", port: 443 }
    assert.deepStrictEqual(agentEndpoint({ ...settings, advertiseAgent: advertised }, "x"), advertised)
    const one = { host: "10.0.0.1", port: 8443 }
    assert.deepStrictEqual(agentEndpoint({ ...settings, agentAddress: one }, "x"), one)
    assert.deepStrictEqual(agentEndpoint(settings, "m1.example.com:8080"), { host: "m1.example.com", port: 8443 })
    assert.deepStrictEqual(agentEndpoint(settings, "[::1]:8080"), { host: "::1", port: 8443 })
    assert.deepStrictEqual(agentEndpoint(settings, undefined), { host: "localhost", port: 8443 })
  })

  it("takes nothing from the caller's Host that a shell would read", () => {
    for (const host of ["$(id)", "a;b", "a b", "`id`", "a'b", ""]) {
      assert.strictEqual(agentEndpoint(settings, host).host, "localhost", host)
    }
  })

  it("answers a command that is ready to paste", () => {
    assert.strictEqual(
      enrolmentCommand({ host: "::1", port: 8443 }, "token", "ab"),
      "NXMESH_MASTER_URL=wss://[::1]:8443 NXMESH_CA_FINGERPRINT=ab NXMESH_AGENT_TOKEN=token nxmesh-agent"
    )
  })
})

describe("Submission", () => {
  const request = { method: "POST", path: "agents", payload: { b: 1, a: 2 } }

  it("hashes what was asked, whatever the order of its keys", () => {
    const first = idempotencyOf("k", request)
    assert.deepStrictEqual(first, idempotencyOf("k", { ...request, payload: { a: 2, b: 1 } }))
    assert.notDeepEqual(first, idempotencyOf("k", { ...request, path: "upstreams" }))
    assert.strictEqual(idempotencyOf(undefined, request), null)
  })

  it("gives the second command of a request a key of its own", () => {
    const first = idempotencyOf("k", request)
    assert.strictEqual(derivedIdempotency(first, "token")?.key, "k#token")
    assert.strictEqual(derivedIdempotency(null, "token"), null)
  })
})
