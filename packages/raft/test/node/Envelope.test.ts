import { assert, describe, it } from "@effect/vitest"
import { decodeEnvelope, encodeEnvelope, envelopeBytes, stampEnvelope } from "@nxmesh/raft/node/Envelope"
import { Schema } from "effect"

const bytes = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)
const Number53 = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }))
const data = bytes(1, 2, 3)
const command = { kind: "Command", session: 7, serial: 9, acknowledged: 8, millis: 258, data } as const

describe("an envelope", () => {
  it("has a fixed form: logs of older versions are read with it", () => {
    assert.deepStrictEqual([...encodeEnvelope({ kind: "OpenSession", nonce: "é" })], [1, 0xc3, 0xa9])
    assert.deepStrictEqual(
      [...encodeEnvelope({ ...command, serial: 2 ** 32 + 5 })],
      [2, 7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3]
    )
    assert.strictEqual(encodeEnvelope(command).length, envelopeBytes + data.length)
  })

  it.prop(
    "of a command comes back as it was",
    [
      Number53,
      Number53,
      Number53,
      Number53,
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
    ],
    ([session, one, other, millis, content]) => {
      const [acknowledged, serial] = one < other ? [one, other] : [other, one]
      const envelope = {
        kind: "Command",
        session,
        serial,
        acknowledged,
        millis,
        data: Uint8Array.from(content)
      } as const
      assert.deepStrictEqual(decodeEnvelope(encodeEnvelope(envelope)), envelope)
    }
  )

  it("of an opening comes back as it was, a byte order mark too", () => {
    for (const nonce of ["node-1 42", "\ufeffé", "x".repeat(1_000)]) {
      assert.deepStrictEqual(decodeEnvelope(encodeEnvelope({ kind: "OpenSession", nonce })), {
        kind: "OpenSession",
        nonce
      })
    }
  })

  it("is read from the middle of a larger buffer", () => {
    const encoded = encodeEnvelope(command)
    const packet = new Uint8Array(encoded.length + 20).fill(9)
    packet.set(encoded, 10)
    assert.deepStrictEqual(decodeEnvelope(packet.subarray(10, 10 + encoded.length)), command)
  })

  it("gets its time in a copy: the bytes before may be in a log", () => {
    const encoded = encodeEnvelope(command)
    const before = encoded.slice()
    const stamped = stampEnvelope(encoded, 1_700_000_000_123)
    assert.deepStrictEqual(decodeEnvelope(stamped), { ...command, millis: 1_700_000_000_123 })
    assert.deepStrictEqual(encoded, before)
    assert.strictEqual(stamped.length, encoded.length)
  })

  it("gets no time when it opens a session, nor does what is none", () => {
    const opening = encodeEnvelope({ kind: "OpenSession", nonce: "x".repeat(100) })
    for (const other of [opening, bytes(), bytes(2, 1), new Uint8Array(100).fill(9)]) {
      assert.strictEqual(stampEnvelope(other, 1_700_000_000_123), other)
    }
  })

  it("is not what has another form", () => {
    const encoded = encodeEnvelope(command)
    const changed = (at: number, value: number): Uint8Array => encoded.with(at, value)
    const cases: Record<string, Uint8Array> = {
      nothing: bytes(),
      "a kind of a version to come": changed(0, 3),
      "kind 0": changed(0, 0),
      "a head that ends early": encoded.subarray(0, envelopeBytes - 1),
      "session 0": changed(1, 0),
      "serial 0": encodeEnvelope({ ...command, serial: 0, acknowledged: 0 }),
      "an answer acknowledged that is only asked for": changed(17, 10),
      "a session above 2^53": changed(8, 1),
      "a serial above 2^53": changed(16, 1),
      "a time above 2^53": changed(32, 1),
      "no nonce": bytes(1),
      "a nonce that is no UTF-8": bytes(1, 0xff)
    }
    for (const [what, encoding] of Object.entries(cases)) assert.isNull(decodeEnvelope(encoding), what)
  })
})
