import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SecretVersionId } from "@nxmesh/protocol/Ids"
import { canonicalJson, generationOf, makeBundle, makeResource, resourceChecksum } from "../../src/nginx/Generation.ts"
import { certificate, host, upstream, uuid } from "./Fixtures.ts"

describe("canonicalJson", () => {
  it("writes the example of RFC 8785", () => {
    const value = {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\nA\'B"\\\\"/',
      literals: [null, true, false]
    }
    const expected =
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert.strictEqual(canonicalJson(value), expected)
  })

  it("sorts keys by UTF-16 code units", () => {
    assert.strictEqual(
      canonicalJson({ "\u20ac": 1, "\r": 2, "1": 4, "\u{1f600}": 5, "\ufb33": 7 }),
      '{"\\r":2,"1":4,"€":1,"😀":5,"\ufb33":7}'
    )
  })

  it("leaves out what is undefined and refuses numbers that JSON has not", () => {
    assert.strictEqual(canonicalJson({ a: undefined, b: -0 }), '{"b":0}')
    assert.throws(() => canonicalJson(Number.NaN))
  })

  it.effect.prop(
    "is JSON that reads back as the value",
    [
      Schema.Record(Schema.String, Schema.Array(Schema.Union([Schema.String, Schema.Int, Schema.Boolean, Schema.Null])))
    ],
    ([value]) => Effect.sync(() => assert.deepEqual(JSON.parse(canonicalJson(value)), { ...value })),
    { arbitrary: { runs: 200, seed: 5 } }
  )
})

describe("resourceChecksum", () => {
  const checksum = (fields: Parameters<typeof host>[1]) =>
    resourceChecksum({ _tag: "virtual_host", data: host(1, fields) })

  it("follows content, and not stamps or targets", () => {
    assert.notStrictEqual(checksum({ listen_port: 81 }), checksum({}))
    assert.notStrictEqual(checksum({ snippet: "a b;" }), checksum({}))
    assert.strictEqual(checksum({ revision: 7, updated_at: "2027-01-01T00:00:00.000Z" }), checksum({}))
    assert.strictEqual(checksum({ target_agents: { scope: "global" } }), checksum({}))
  })

  it("counts a certificate by the version of its key", () => {
    const of = (fields: Parameters<typeof certificate>[1]) =>
      resourceChecksum({ _tag: "certificate", data: certificate(1, fields) })
    assert.strictEqual(of({ private_key_pem: "another" }), of({}))
    assert.notStrictEqual(of({ secret_version_id: SecretVersionId.make(uuid(0x99)) }), of({}))
    assert.notStrictEqual(of({ certificate_pem: "another" }), of({}))
  })
})

describe("makeBundle", () => {
  const parts = [
    { _tag: "virtual_host", data: host(1) },
    { _tag: "upstream", data: upstream(2) },
    { _tag: "template", data: { workspace_id: null, name: "default", source: "x;" } }
  ] as const

  it("names the same content alike, in any order", () => {
    assert.deepStrictEqual(makeBundle(parts), makeBundle(parts.toReversed()))
    const { generation, resources } = makeBundle(parts)
    assert.strictEqual(generation, generationOf(resources.toReversed()))
    assert.match(generation, /^[0-9a-f]{64}$/)
    assert.deepStrictEqual(
      resources.map(({ key }) => key),
      ["template:default", `upstream:${uuid(2)}`, `virtual_host:${uuid(1)}`]
    )
  })

  it("names other content otherwise, and takes resources that are ready", () => {
    const changed = makeBundle([...parts, makeResource({ _tag: "virtual_host", data: host(1, { listen_port: 81 }) })])
    assert.notStrictEqual(changed.generation, makeBundle(parts).generation)
    assert.lengthOf(changed.resources, 3)
  })
})
