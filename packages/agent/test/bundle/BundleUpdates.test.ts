import { isWhole, resolveUpdate, targetOf } from "@nxmesh/agent/bundle/BundleUpdates"
import { mergeTask } from "@nxmesh/agent/link/Tasks"
import type { Task } from "@nxmesh/agent/link/LinkHandlers"
import { makeBundle, makeResource } from "@nxmesh/core/nginx/Generation"
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import { Generation } from "@nxmesh/protocol/Ids"
import { assert, describe, it } from "@effect/vitest"

const template = (name: string, source = name) =>
  makeResource({ _tag: "template", data: { workspace_id: null, name, source } })
const bundle = (...names: ReadonlyArray<string>) => makeBundle(names.map((name) => template(name)))
const other = Generation.make("f".repeat(64))

describe("resolveUpdate", () => {
  it("takes a whole bundle whose content is what its name says", () => {
    assert.deepStrictEqual(resolveUpdate(null, { _tag: "Full", bundle: bundle("a") }), bundle("a"))
  })
  it("asks for all of a bundle whose content is another", () => {
    assert.isNull(resolveUpdate(null, { _tag: "Full", bundle: { ...bundle("a"), generation: other } }))
    assert.isFalse(isWhole({ ...bundle("a"), generation: other }))
  })
  it("adds, replaces and removes by a delta, in any order", () => {
    const changed = template("b", "changed")
    const wanted = makeBundle([template("a"), changed, template("d")])
    const delta: BundleUpdate = {
      _tag: "Delta",
      base: bundle("a", "b", "c").generation,
      generation: wanted.generation,
      put: [template("d"), changed],
      removed: [template("c").key]
    }
    assert.deepStrictEqual(resolveUpdate(bundle("c", "b", "a"), delta), wanted)
    assert.strictEqual(targetOf(delta), wanted.generation)
  })
  it("asks for all when it holds nothing, another base, or the sum is wrong", () => {
    const delta = { _tag: "Delta", base: bundle("a").generation, generation: other, put: [], removed: [] } as const
    for (const held of [null, bundle("b"), bundle("a")]) assert.isNull(resolveUpdate(held, delta))
  })
})

describe("mergeTask", () => {
  const hold = (epoch: number, index: number): Task => ({ _tag: "Hold", order: { epoch, index }, reason: "" })
  it("keeps the newer of two", () => {
    assert.deepStrictEqual(mergeTask(null, hold(1, 1)), hold(1, 1))
    assert.deepStrictEqual(mergeTask(hold(1, 1), hold(1, 2)), hold(1, 2))
    assert.deepStrictEqual(mergeTask(hold(1, 2), hold(1, 1)), hold(1, 2))
    assert.deepStrictEqual(mergeTask(hold(1, 9), hold(2, 1)), hold(2, 1))
  })
})
