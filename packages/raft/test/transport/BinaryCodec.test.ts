import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { binaryCodec } from "@nxmesh/raft/transport/binary/BinaryCodec"
import { decode, encode } from "@nxmesh/raft/transport/MessageFormat"

const Shape = Schema.Struct({
  whole: Schema.Int,
  small: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })),
  kind: Schema.Literals(["one", "two"]),
  maybe: Schema.NullOr(Schema.Struct({ name: Schema.String })),
  many: Schema.Array(Schema.Boolean),
  bytes: Schema.Uint8Array
})

const shape: typeof Shape.Type = {
  whole: -(2 ** 53) + 1,
  small: 9,
  kind: "two",
  maybe: { name: "ä".repeat(100) },
  many: [true, false],
  bytes: Uint8Array.of(1, 2)
}

describe("the binary form of a schema", () => {
  const codec = binaryCodec(Shape)

  it("says everything that the schema says", () => {
    for (const value of [shape, { ...shape, maybe: null, many: [], kind: "one" } as const]) {
      assert.deepStrictEqual(decode(codec, encode(codec, value)), value)
    }
  })

  it("is checked when it is read", () => {
    assert.throws(() => decode(codec, encode(codec, { ...shape, small: 10 })), /between 1 and 9/)
  })

  it("cannot ask for more memory than was sent", () => {
    const many = binaryCodec(Schema.Array(Schema.Boolean))
    assert.throws(() => decode(many, Uint8Array.of(255, 255, 255, 255, 1)), /4294967295 items in 1 bytes/)
  })

  it("does not exist for other schemas, which is known at the start", () => {
    for (const schema of [
      Schema.Number,
      Schema.Date,
      Schema.Unknown,
      Schema.Record(Schema.String, Schema.Int),
      Schema.Tuple([Schema.Int]),
      Schema.Union([Schema.String, Schema.Int]),
      Schema.NumberFromString
    ]) {
      assert.throws(() => binaryCodec(schema as Schema.Codec<unknown>), /no binary form/)
    }
  })
})
