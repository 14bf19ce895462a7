/** When the cluster's version rises, and who holds it back (rule 6). */
import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Commands, type SubmitRequest } from "../../src/command/Commands.ts"
import { clusterAdvice } from "../../src/cluster/Advice.ts"
import { isDue, judgeUpgrade, steadied, upgradeAdvice } from "../../src/cluster/Upgrade.ts"
import { layerUpgrade } from "../../src/cluster/UpgradeTask.ts"
import { Settings } from "../../src/Settings.ts"
import { Reads } from "../../src/state/Reads.ts"
import { makeFakeNode } from "./FakeNode.ts"
import { ofVersion1 } from "../state/TestCluster.ts"
import { found, seen, state, stored } from "./LiveFixtures.ts"

const upTo = (number: number, highest: number, version = "0.2.0") =>
  stored(number, { version, cluster_versions: { lowest: 1, highest } })

describe("the next cluster version (rule 6)", () => {
  it("is none while no master knows one", () => {
    assert.deepStrictEqual(judgeUpgrade(1, [upTo(1, 1), upTo(2, 1)]), { _tag: "Newest" })
    assert.deepStrictEqual(judgeUpgrade(2, [upTo(1, 2)]), { _tag: "Newest" })
    assert.deepStrictEqual(judgeUpgrade(1, []), { _tag: "Newest" })
  })

  it("is held back by each master that does not know it, also by one that votes not", () => {
    const old = stored(3, { ...ofVersion1, version: "0.1.0", voter: false })
    assert.deepStrictEqual(judgeUpgrade(1, [upTo(1, 2), upTo(2, 2), old]), { _tag: "Held", next: 2, by: [old] })
  })

  it("is one more, however many the masters know", () => {
    assert.deepStrictEqual(judgeUpgrade(1, [upTo(1, 4), upTo(2, 3)]), { _tag: "Possible", next: 2 })
  })

  it("is not for a master that begins above it", () => {
    const newer = stored(1, { cluster_versions: { lowest: 3, highest: 4 } })
    assert.strictEqual(judgeUpgrade(1, [newer, upTo(2, 2)])._tag, "Held")
  })
})

describe("advice about the cluster version (rule 6)", () => {
  const adviceOf = (masters: ReadonlyArray<ReturnType<typeof upTo>>, clusterVersion = 1) =>
    upgradeAdvice(clusterVersion, judgeUpgrade(clusterVersion, masters))

  it("names who holds it back, and what that master runs", () => {
    const advice = adviceOf([upTo(1, 2), upTo(2, 2), upTo(3, 1, "0.1.0")])
    assert.include(advice, "version 2 waits for m3, which runs 0.1.0 and knows versions up to 1")
  })

  it("says that it will rise, and nothing when there is nothing to do", () => {
    assert.include(adviceOf([upTo(1, 2)]), "nxmesh cluster upgrade")
    assert.isNull(adviceOf([upTo(1, 2), upTo(2, 2)], 2))
  })

  it("stands with the other advice", () => {
    const masters = [upTo(1, 2), upTo(2, 2), upTo(3, 1)]
    const advice = clusterAdvice({
      state: state({ clusterVersion: 1 }),
      masters,
      live: seen([found(1), found(2), found(3)])
    })
    assert.lengthOf(advice, 1)
    assert.include(advice[0], "m3")
  })
})

describe("the cluster rises (rule 6)", () => {
  const both = [upTo(1, 2), upTo(2, 2)]
  const possible = judgeUpgrade(1, both)

  it("when all have known the next for 30 s", () => {
    const steady = steadied(null, possible, both, 1_000)
    const later = steadied(steady, possible, both.toReversed(), 20_000)
    assert.isNotNull(later)
    assert.strictEqual(later?.sinceMillis, 1_000)
    assert.isFalse(isDue(later!, 30_999))
    assert.isTrue(isDue(later!, 31_000))
  })

  it("through every version that all have known for so long, and waits again for one that came later", () => {
    const upTo3 = [upTo(1, 3), upTo(2, 3)]
    const steady = steadied(null, judgeUpgrade(1, upTo3), upTo3, 0)
    const second = steadied(steady, judgeUpgrade(2, upTo3), upTo3, 31_000)
    assert.deepInclude(second, { next: 3, sinceMillis: 0 })
    const upTo4 = [upTo(1, 4), upTo(2, 4)]
    assert.deepInclude(steadied(steady, judgeUpgrade(2, upTo4), upTo4, 31_000), { next: 3, sinceMillis: 31_000 })
  })

  it("and not sooner when a master came, left, or went back to an old build meanwhile", () => {
    const steady = steadied(null, possible, both, 0)
    const three = [...both, upTo(3, 2)]
    assert.strictEqual(steadied(steady, judgeUpgrade(1, three), three, 29_000)?.sinceMillis, 29_000)
    const other = [upTo(1, 2), upTo(3, 2)]
    assert.strictEqual(steadied(steady, judgeUpgrade(1, other), other, 29_000)?.sinceMillis, 29_000)
    const back = [upTo(1, 2), upTo(2, 1)]
    assert.isNull(steadied(steady, judgeUpgrade(1, back), back, 29_000))
  })

  const running = Effect.fnUntraced(function* (clusterUpgrade: "auto" | "manual", masters = both) {
    const node = yield* makeFakeNode()
    const submitted: Array<SubmitRequest> = []
    let clusterVersion = 1
    const commands = Layer.mock(Commands)({
      submit: (request) =>
        Effect.sync(() => {
          submitted.push(request)
          clusterVersion += 1
          return { _tag: "Accepted", index: 1, replayed: false, value: null }
        })
    })
    const reads = Layer.mock(Reads)({
      clusterState: Effect.sync(() => state({ clusterVersion })),
      masters: Effect.sync(() => masters)
    })
    yield* Layer.build(
      layerUpgrade.pipe(
        Layer.provide(Layer.mergeAll(node.layer, commands, reads, Metrics.layer)),
        Layer.provide(Layer.succeed(Settings, { clusterUpgrade } as Settings["Service"]))
      )
    )
    return submitted
  })

  it.effect("by the leader's task, fenced, and once", () =>
    Effect.gen(function* () {
      const submitted = yield* running("auto")
      yield* TestClock.adjust("29 seconds")
      assert.lengthOf(submitted, 0)
      yield* TestClock.adjust("2 minutes")
      assert.lengthOf(submitted, 1)
      assert.deepInclude(submitted[0], { command: { _tag: "SetClusterVersion", version: 2 }, fence: { term: 1 } })
    })
  )

  it.effect("never by itself where an operator wants to say when", () =>
    Effect.gen(function* () {
      const submitted = yield* running("manual")
      yield* TestClock.adjust("10 minutes")
      assert.lengthOf(submitted, 0)
    })
  )

  it.effect("never while a master does not know the next", () =>
    Effect.gen(function* () {
      const submitted = yield* running("auto", [upTo(1, 2), upTo(2, 1)])
      yield* TestClock.adjust("10 minutes")
      assert.lengthOf(submitted, 0)
    })
  )
})
