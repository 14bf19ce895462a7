import { assert, describe, it } from "@effect/vitest"
import { makeBundle } from "@nxmesh/core/nginx/Generation"
import { DeploymentId, KeyId } from "@nxmesh/protocol/Ids"
import { Directive } from "@nxmesh/protocol/link/Directive"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { Effect, Schema } from "effect"
import { RequestId } from "effect/rpc/RpcMessage"
import { RpcSerialization } from "effect/rpc"
import { BundleTexts } from "../../src/link/BundleTexts.ts"
import { codecFor, frameText } from "../../src/link/DirectiveCodec.ts"
import { host, uuid } from "../config/Fixtures.ts"

const requestId = RequestId("1")
const chunk = Schema.NonEmptyArray(Directive)
const order = { epoch: 1, index: 7 }
const bundleOf = (...numbers: ReadonlyArray<number>): Bundle =>
  makeBundle(numbers.map((number) => ({ _tag: "virtual_host", data: host(number, { snippet: '"}]\u2028{' }) })))
const deploy = (bundle: Bundle, id = 1): Directive => ({
  _tag: "Deploy",
  order,
  deployment_id: DeploymentId.make(uuid(1, id)),
  update: { _tag: "Full", bundle },
  reload_interval_seconds: 3
})
const { generation, resources } = bundleOf(1, 2)
const directives: ReadonlyArray<Directive> = [
  deploy(bundleOf(1, 2)),
  deploy(bundleOf()),
  {
    _tag: "Deploy",
    order,
    deployment_id: DeploymentId.make(uuid(1, 2)),
    update: { _tag: "Delta", base: generation, generation, put: resources, removed: ["a"] },
    reload_interval_seconds: 0
  },
  { _tag: "Hold", order, reason: "maintenance" },
  { _tag: "RotateKey", key_id: KeyId.make(uuid(2, 1)) },
  { _tag: "Goodbye", reason: "stops" }
]

const frame = Effect.fnUntraced(function* (factory: RpcSerialization.CodecFor, sent: ReadonlyArray<Directive>) {
  const values = yield* Schema.encodeUnknownEffect(factory(chunk))(sent)
  return frameText({ _tag: "Chunk", requestId, values: values as [unknown, ...Array<unknown>] })
})

describe("the text of directives", () => {
  it.effect("reads as what the RPC's own codec writes, alone and together", () =>
    Effect.gen(function* () {
      const texts = new BundleTexts(1_000_000)
      for (const sent of [...directives.map((one) => [one]), directives, directives]) {
        const ours = yield* frame(codecFor(texts), sent)
        const plain = yield* frame(RpcSerialization.json.codecFor, sent)
        assert.deepStrictEqual(JSON.parse(ours), JSON.parse(plain))
        const { values } = JSON.parse(ours) as { readonly values: unknown }
        const decoded = yield* Schema.decodeUnknownEffect(RpcSerialization.json.codecFor(chunk))(values)
        assert.deepStrictEqual(decoded as unknown, sent)
      }
    })
  )

  it.effect("encodes a bundle once for all agents that get it", () =>
    Effect.gen(function* () {
      const texts = new BundleTexts(1_000_000)
      let reads = 0
      const shared = bundleOf(1, 2)
      const counted = {
        generation: shared.generation,
        get resources() {
          reads += 1
          return shared.resources
        }
      }
      const first = yield* frame(codecFor(texts), [deploy(counted, 1)])
      const afterFirst = reads
      const second = yield* frame(codecFor(texts), [deploy(counted, 2)])
      assert.isAbove(afterFirst, 0)
      assert.strictEqual(reads, afterFirst)
      assert.strictEqual(second, first.replace(uuid(1, 1), uuid(1, 2)))
    })
  )

  it.effect("forgets the bundle that was used longest ago, and keeps none that is larger than the bound", () =>
    Effect.gen(function* () {
      const [a, b, c] = [bundleOf(1), bundleOf(2), bundleOf(3)] as const
      const { length } = yield* new BundleTexts(0).of(a)
      const encodings = Effect.fnUntraced(function* (charactersMax: number, bundles: ReadonlyArray<Bundle>) {
        const texts = new BundleTexts(charactersMax)
        const seen = new Map<Bundle, number>()
        const counting = new Map(
          [a, b, c].map((bundle) => [
            bundle,
            {
              generation: bundle.generation,
              get resources() {
                seen.set(bundle, (seen.get(bundle) ?? 0) + 1)
                return bundle.resources
              }
            }
          ])
        )
        for (const bundle of bundles) yield* texts.of(counting.get(bundle) ?? bundle)
        const once = Math.min(...seen.values())
        return [a, b, c].map((bundle) => (seen.get(bundle) ?? 0) / once)
      })
      assert.deepStrictEqual(yield* encodings(2 * length, [a, b, a, c, a, b]), [1, 2, 1])
      assert.deepStrictEqual(yield* encodings(length - 1, [a, a, b, c]), [2, 1, 1])
    })
  )
})
