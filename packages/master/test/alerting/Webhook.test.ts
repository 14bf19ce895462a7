import { assert, describe, it } from "@effect/vitest"
import { webhookProblems } from "@nxmesh/protocol/model/Webhook"
import { makeAddressPolicy } from "../../src/alerting/AddressPolicy.ts"
import { attemptOf } from "../../src/alerting/Attempts.ts"
import { secretText, signatureOf } from "../../src/alerting/WebhookSignature.ts"
import { at, textAt, webhookId } from "./Alerts.ts"

describe("a webhook's signature", () => {
  it("is that of Standard Webhooks, by its reference's own example", () => {
    assert.strictEqual(
      signatureOf(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        '{"test": 2432232314}'
      ),
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )
  })

  it("is made with a secret of the same form", () => {
    assert.strictEqual(secretText(new Uint8Array([1, 2, 3])), "whsec_AQID")
  })
})

describe("which addresses a webhook may call", () => {
  const mayCall = makeAddressPolicy([])
  it("are public ones", () => {
    for (const address of ["93.184.216.34", "2606:2800:220:1::1"]) assert.isTrue(mayCall(address), address)
  })

  it("are not those of the machine, of private networks, of a cloud's metadata, in any clothes", () => {
    for (const address of [
      "127.0.0.1",
      "127.255.255.254",
      "0.0.0.0",
      "10.1.2.3",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "169.254.169.254",
      "100.64.0.1",
      "224.0.0.1",
      "255.255.255.255",
      "::1",
      "::",
      "fe80::1",
      "fc00::1",
      "fd12:3456::1",
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "::ffff:a9fe:a9fe",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "localhost",
      ""
    ]) {
      assert.isFalse(mayCall(address), address)
    }
  })

  it("are those of a network that the operator opened, and no others", () => {
    const opened = makeAddressPolicy([
      { address: "10.0.0.0", prefix: 8 },
      { address: "fd00::", prefix: 8 }
    ])
    assert.deepStrictEqual(["10.9.9.9", "fd00::1", "192.168.0.1", "fc00::1"].map(opened), [true, true, false, false])
  })
})

describe("a webhook's URL", () => {
  const problemOf = (url: string, allow_http = false) => webhookProblems({ url, allow_http })[0]?.message ?? null

  it("is https, or http where that is allowed by a flag", () => {
    assert.isNull(problemOf("https://alerts.example.com/nxmesh?team=a"))
    assert.isNull(problemOf("http://alerts.example.com:8080/", true))
    assert.include(problemOf("http://alerts.example.com/"), "allow_http")
  })

  it("holds no password, no fragment, and no other scheme", () => {
    for (const url of [
      "https://u:p@a.example.com/",
      "https://a.example.com/#x",
      "file:///etc/passwd",
      "a.example.com",
      ""
    ]) {
      assert.isNotNull(problemOf(url, true), url)
    }
  })
})

describe("what follows from an attempt", () => {
  const delivery = {
    id: "0190a000-0000-7000-8000-000000000011" as never,
    webhook_id: webhookId,
    kind: "alerts" as const,
    status: "pending" as const,
    created_at: textAt(0),
    alerts: 1,
    attempts: 0,
    last_attempt_at: null,
    next_attempt_at: textAt(0),
    http_status: null,
    error: null
  }
  const refused = { accepted: false, status: 500, problem: "answered 500" }

  it("is the end when it was accepted", () => {
    const attempt = attemptOf(delivery, { accepted: true, status: 204, problem: null }, at(1))
    assert.deepStrictEqual([attempt.status, attempt.next_attempt_at, attempt.http_status], ["delivered", null, 204])
  })

  it("is another attempt, later each time up to a bound, and none after a day", () => {
    const waits = [0, 1, 5, 30].map(
      (attempts) => Date.parse(attemptOf({ ...delivery, attempts }, refused, at(10)).next_attempt_at ?? "") - at(10)
    )
    assert.deepStrictEqual(waits, [2_000, 4_000, 64_000, 900_000])
    assert.strictEqual(attemptOf({ ...delivery, attempts: 99 }, refused, at(86_000)).status, "failed")
  })

  it("is the end for a test, and for an endpoint that is gone", () => {
    assert.strictEqual(attemptOf({ ...delivery, kind: "test" }, refused, at(1)).status, "failed")
    assert.strictEqual(attemptOf(delivery, { ...refused, status: 410 }, at(1)).status, "failed")
  })
})
