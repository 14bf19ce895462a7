import { assert, describe, it } from "@effect/vitest"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { type AddressView, decideForming, seenIn } from "../../src/joining/FormingDecision.ts"
import { masterId } from "../state/TestCluster.ts"

const all = [masterId(1), masterId(2), masterId(3)]
const unformed = (number: number, sees: ReadonlyArray<MasterId> = all): AddressView => ({
  _tag: "Unformed",
  id: masterId(number),
  sees
})
const silent: AddressView = { _tag: "Silent" }
const formed: AddressView = { _tag: "Formed" }

const decisionOf = (self: number, views: ReadonlyArray<AddressView>, expect = 3) =>
  decideForming(masterId(self), expect, views)._tag

describe("decideForming", () => {
  it("lets the smallest of all make the cluster, and the others wait", () => {
    const views = [unformed(3), unformed(1, []), unformed(2)]
    assert.deepStrictEqual(
      [1, 2, 3].map((self) => decisionOf(self, [unformed(1), unformed(2), unformed(3)])),
      ["Make", "Wait", "Wait"]
    )
    // What this master itself said a moment ago does not matter.
    assert.strictEqual(decisionOf(1, views), "Make")
  })
  it("joins whoever has a cluster, whatever else it sees", () => {
    assert.strictEqual(decisionOf(1, [formed, silent, silent]), "Join")
    assert.strictEqual(decisionOf(1, [unformed(1), unformed(2), formed]), "Join")
  })
  it("waits while one is silent, sees fewer, or sees others", () => {
    assert.strictEqual(decisionOf(1, [unformed(1), unformed(2), silent]), "Wait")
    assert.strictEqual(decisionOf(1, [unformed(1), unformed(2), unformed(3, [masterId(3)])]), "Wait")
    const others = [masterId(1), masterId(2), masterId(4)]
    assert.strictEqual(decisionOf(1, [unformed(1), unformed(2), unformed(3, others)]), "Wait")
  })
  it("waits when the addresses are not one of each master", () => {
    assert.strictEqual(decisionOf(1, [unformed(1), unformed(2), unformed(2)]), "Wait")
    assert.strictEqual(decisionOf(1, [unformed(1), unformed(2)]), "Wait")
    assert.strictEqual(decisionOf(4, [unformed(1), unformed(2), unformed(3)]), "Wait")
    assert.strictEqual(decisionOf(1, [unformed(1), unformed(1), unformed(2), unformed(3)]), "Wait")
  })
  it("makes a cluster of one when one is expected", () => {
    assert.strictEqual(decisionOf(2, [unformed(2, [])], 1), "Make")
  })
})

/** A random number from 0 below 1 (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Process {
  id: MasterId
  /** Counts its starts: an answer to an earlier one is lost. */
  start: number
  views: Array<AddressView>
  /** The address that it asks, and what came back and is still under way. */
  asking: { readonly place: number; readonly answer: AddressView } | null
  next: number
  phase: "watching" | "making" | "joining" | "formed"
  /** Name of its cluster. */
  cluster: string | null
}

interface World {
  readonly processes: Array<Process>
  /** Every cluster that was made, and who belongs to it. */
  readonly made: Array<string>
  ids: number
}

const newProcess = (world: { ids: number }, count: number, random: () => number): Process => ({
  // Later ids may be smaller than earlier ones.
  id: masterId(Math.floor(random() * 1_000) * 100 + world.ids++),
  start: 0,
  views: Array.from({ length: count }, () => silent),
  asking: null,
  next: 0,
  phase: "watching",
  cluster: null
})

const forget = (process: Process): void => {
  process.start += 1
  process.views = process.views.map(() => silent)
  process.asking = null
  process.next = 0
  if (process.phase !== "formed") process.phase = "watching"
}

const answerOf = ({ id, phase, views }: Process): AddressView => {
  if (phase === "formed") return formed
  return phase === "watching" ? { _tag: "Unformed", id, sees: seenIn(views) } : silent
}

/** One thing that happens to one master: it asks, hears, acts, or is started again. */
const step = (world: World, random: () => number, trouble: "none" | "restarts" | "lost disks"): void => {
  const { processes } = world
  const place = Math.floor(random() * processes.length)
  const process = processes[place]!
  const chance = random()
  if (trouble !== "none" && chance < 0.03) return forget(process)
  if (trouble === "lost disks" && chance < 0.05 && process.phase !== "formed") {
    processes[place] = newProcess(world, processes.length, random)
    return
  }
  switch (process.phase) {
    case "watching": {
      if (process.asking === null) {
        const asked = process.next
        process.next = (process.next + 1) % processes.length
        process.asking = {
          place: asked,
          answer: trouble !== "none" && random() < 0.1 ? silent : answerOf(processes[asked]!)
        }
        return
      }
      process.views[process.asking.place] = process.asking.answer
      process.asking = null
      if (process.next !== 0) return
      const decision = decideForming(process.id, processes.length, process.views)._tag
      if (decision === "Make") process.phase = "making"
      if (decision === "Join") process.phase = "joining"
      return
    }
    case "making":
      process.phase = "formed"
      process.cluster = process.id
      world.made.push(process.id)
      return
    case "joining": {
      const member = processes.find((each) => each.phase === "formed")
      if (member === undefined) return forget(process)
      process.phase = "formed"
      process.cluster = member.cluster
      return
    }
    case "formed":
      return
  }
}

const run = (seed: number, count: number, trouble: "restarts" | "lost disks") => {
  const random = randomOf(seed)
  const world: World = { processes: [], made: [], ids: 1 }
  for (let place = 0; place < count; place += 1) world.processes.push(newProcess(world, count, random))
  let steps = 0
  while (steps < 10_000 && world.processes.some(({ phase }) => phase !== "formed")) {
    // Trouble lasts for a while, so that it comes to an end.
    step(world, random, steps < 1_000 ? trouble : "none")
    steps += 1
    if (world.made.length > 1) assert.fail(`two clusters with seed ${seed}`)
  }
  return world
}

describe("masters that form a cluster", () => {
  it("make one, and never two, however their questions, answers and restarts fall between each other", () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const { made, processes } = run(seed, 3, "restarts")
      assert.deepStrictEqual(new Set(processes.map(({ cluster }) => cluster)), new Set(made), `seed ${seed}`)
      assert.strictEqual(made.length, 1, `seed ${seed}`)
    }
  })
  it("make one, and never two, when masters lose their disks before they belong to it", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const { made, processes } = run(seed, seed % 2 === 0 ? 3 : 5, "lost disks")
      assert.deepStrictEqual(new Set(processes.map(({ cluster }) => cluster)), new Set(made), `seed ${seed}`)
    }
  })
})
