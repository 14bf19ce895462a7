/** What nodes of protocol version 1 say, as it was on the wire (RecordFrames.mjs): read, and written, as long as it is spoken. */
import { assert, describe, it } from "@effect/vitest"
import { decodeEnvelope, type Envelope, encodeEnvelope } from "@nxmesh/raft/node/Envelope"
import type { Message } from "@nxmesh/raft/core/Message"
import { decode, encode, messageCodec } from "@nxmesh/raft/transport/MessageFormat"
import {
  answerProblem,
  commonProtocol,
  decodeHello,
  decodeHelloAnswer,
  encodeHello,
  type Hello,
  type HelloAnswer,
  helloProblem,
  saidVersions,
  spokenProtocols
} from "@nxmesh/raft/transport/tcp/Hello"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"

interface Recorded {
  readonly messages: ReadonlyArray<{ readonly message: Message; readonly hex: string }>
  readonly hellos: ReadonlyArray<{ readonly hello: Hello | HelloAnswer; readonly hex: string }>
  readonly envelopes: ReadonlyArray<{ readonly envelope: Envelope; readonly hex: string }>
}

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"))
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** Bytes stand as an object with nothing but `hex`. */
const revive = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && Object.keys(value).join() === "hex"
    ? bytesOf((value as { readonly hex: string }).hex)
    : value

const { envelopes, hellos, messages } = JSON.parse(
  gunzipSync(readFileSync(join(import.meta.dirname, "frames-1.json.gz"))).toString("utf8"),
  revive
) as Recorded

describe("protocol version 1 between nodes (rule 6)", () => {
  it("is still spoken", () => {
    assert.strictEqual(commonProtocol({ protocol: 1 }), 1)
    assert.isAtMost(spokenProtocols.oldest, 1)
  })

  for (const { hex, message } of messages) {
    it(`has the same bytes both ways: ${message._tag}`, () => {
      assert.deepStrictEqual(decode(messageCodec, bytesOf(hex)), message)
      assert.strictEqual(hexOf(encode(messageCodec, message)), hex)
    })
  }

  it("commands of its log say who proposed them, and when", () => {
    for (const { envelope, hex } of envelopes) {
      assert.deepStrictEqual(decodeEnvelope(bytesOf(hex)), envelope)
      assert.strictEqual(hexOf(encodeEnvelope(envelope)), hex)
    }
  })

  it("its greetings are understood", () => {
    const [hello, welcome, refused] = hellos.map(({ hex }) => bytesOf(hex)) as [Uint8Array, Uint8Array, Uint8Array]
    assert.deepStrictEqual(decodeHello(hello), hellos[0]!.hello)
    assert.isNull(helloProblem({ id: "b", cluster: "c1" }, decodeHello(hello)))
    const said: Hello = { ...(hellos[0]!.hello as Hello), ...saidVersions() }
    assert.isNull(answerProblem(said, decodeHelloAnswer(welcome)))
    assert.strictEqual(answerProblem(said, decodeHelloAnswer(refused))?.reason, "OtherCluster")
  })
})

describe("nodes of two releases (rule 6)", () => {
  const hello = (oldest: number, newest: number): Hello => ({
    ...saidVersions({ oldest, newest }),
    cluster: "c1",
    from: "a",
    to: "b",
    role: "peer",
    lane: "bulk"
  })
  const self = { id: "b", cluster: "c1" }
  const range = (oldest: number, newest: number) => ({ oldest, newest })

  it("use the newest version that both speak", () => {
    for (const [theirs, own, common] of [
      [range(1, 1), range(1, 2), 1],
      [range(1, 3), range(2, 4), 3],
      [range(2, 3), range(1, 2), 2],
      [range(3, 4), range(1, 2), null],
      [range(1, 1), range(2, 3), null]
    ] as const) {
      assert.strictEqual(commonProtocol(hello(theirs.oldest, theirs.newest), own), common)
    }
  })

  it("of which one knows no ranges, use the version that it says", () => {
    assert.strictEqual(commonProtocol({ protocol: 1 }, range(1, 3)), 1)
    assert.isNull(commonProtocol({ protocol: 1 }, range(2, 3)))
    // Such a node takes a connection whose `protocol` is its own, and does not look at the rest.
    assert.strictEqual(hello(1, 3).protocol, 1)
  })

  it("refuse each other when there is none, and say which versions they speak", () => {
    assert.match(
      helloProblem(self, hello(3, 4), range(1, 2))?.message ?? "",
      /peer a speaks versions 3 to 4 of the protocol, node b versions 1 to 2; run one release on both/
    )
    const welcome: HelloAnswer = { _tag: "Welcome", protocol: 5, cluster: "c1", from: "b" }
    assert.strictEqual(answerProblem(hello(1, 2), welcome)?.reason, "OtherVersion")
    assert.isNull(answerProblem(hello(1, 2), { ...welcome, protocol: 2 }))
  })

  it("may say more in a greeting than the older one knows", () => {
    const more = { ...hello(1, 2), compression: "zstd" }
    const heard = decodeHello(encodeHello(more))
    assert.notProperty(heard, "compression")
    assert.isNull(helloProblem(self, heard))
    const refusal = { _tag: "Refused", reason: "TooTired", message: "node b is tired" } as const
    const problem = answerProblem(hello(1, 2), decodeHelloAnswer(encodeHello(refusal)))
    assert.deepInclude(problem, { reason: "OtherVersion", message: "node b is tired" })
  })
})
