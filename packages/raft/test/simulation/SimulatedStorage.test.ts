import { assert, describe, it } from "@effect/vitest"
import type { Entry } from "../../src/core/Types.ts"
import { noConfiguration } from "../../src/core/Configuration.ts"
import { StorageError } from "../../src/storage/StorageError.ts"
import { SeededRandom } from "../../src/testing/SeededRandom.ts"
import { Counters } from "../../src/testing/simulation/Counters.ts"
import { EventQueue } from "../../src/testing/simulation/EventQueue.ts"
import { NodeDisk } from "../../src/testing/simulation/NodeDisk.ts"
import { SimulatedStorage } from "../../src/testing/simulation/SimulatedStorage.ts"

/** One disk and its processes, one after the other, each of which appends until it dies. */
class Life {
  readonly counters = new Counters()
  readonly queue = new EventQueue()
  readonly disk: NodeDisk
  private readonly random: SeededRandom
  private sequence = 0
  private term = 0
  private last = 0
  private recovered = 0
  private isDead = false
  confirmed = 0
  failure: StorageError | null = null

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    const log = { segmentBytes: this.random.pick([2048, 16_384]), growBytes: 1024, bufferBytes: 4096 }
    this.disk = new NodeDisk(this.random.fork(), this.counters, log, null)
  }

  /** Appends until a crash at some moment; `fault` happens once on the way. Throws what a recovery throws. */
  run(fault: (disk: NodeDisk) => void): void {
    const { random, queue, disk, counters } = this
    const storage = disk.open()
    this.sequence = 0
    this.isDead = false
    this.term = storage.hardState.term + 1
    this.last = storage.lastIndex
    this.recovered = storage.lastIndex
    const life = new SimulatedStorage({
      disk,
      storage,
      queue,
      random: random.fork(),
      counters,
      syncMillisMax: 10,
      deliver: (action) => action(),
      listener: {
        durable: () => void this.confirmed++,
        failed: (failure) => {
          this.failure = failure
        }
      },
      cut: () => {
        this.isDead = true
      }
    })
    const moments = random.between(5, 40)
    const faultAt = random.between(0, moments)
    for (let moment = 0; moment < moments && !this.isDead; moment++) {
      if (moment === faultAt) fault(disk)
      life.append(this.append())
      if (random.chance(5)) this.snapshot(life)
      queue.runUntil(queue.nowMillis + random.between(0, 12))
    }
    life.end()
    disk.crash()
  }

  private append() {
    const { random } = this
    const truncates = random.chance(10) && this.last > 0
    const from = truncates ? this.last : this.last + 1
    const kept = this.disk.durable.lastIndex
    if (truncates && from > kept) this.term++
    const first = truncates && from > kept ? from : this.last + 1
    const entries = Array.from({ length: random.between(0, 3) }, (_, i): Entry => ({
      kind: "Command",
      index: first + i,
      term: this.term,
      data: new Uint8Array(random.between(0, 300)).map(() => random.bits())
    }))
    this.last = first + entries.length - 1
    const hardState = { term: this.term, vote: "n1", commit: 0 }
    return {
      sequence: ++this.sequence,
      hardState,
      truncateFrom: first <= kept ? first : null,
      entries,
      mustSync: true
    }
  }

  private snapshot(life: SimulatedStorage): void {
    // What was recovered is never truncated here.
    const index = this.recovered
    const term = this.disk.durable.term(index)
    if (term === null) return
    life.receiveSnapshot({ index, term, configuration: noConfiguration }, null, (begun) => {
      if (begun._tag === "Failure") return
      life.writeSnapshot(0, new Uint8Array(this.random.between(1, 3000)), () =>
        life.finishSnapshot(() => life.compact(index))
      )
    })
  }
}

describe("a simulated disk under the production storage", () => {
  it("has after every crash what was confirmed before it", () => {
    const counters = new Counters()
    let confirmed = 0
    for (let seed = 1; seed <= 150; seed++) {
      const life = new Life(seed)
      for (let process = 0; process < 8; process++) life.run((disk) => (process % 2 === 0 ? disk.cutSoon() : undefined))
      confirmed += life.confirmed
      counters.addAll(life.counters)
    }
    assert.isAbove(confirmed, 5000)
    assert.deepStrictEqual(counters.missing(["storage: torn tail cut", "crash: process"]), [])
  })

  it("stops the process at the first write that fails, and loses nothing", () => {
    let failures = 0
    for (let seed = 1; seed <= 100; seed++) {
      const life = new Life(seed)
      for (let process = 0; process < 6; process++) {
        life.failure = null
        life.run((disk) => disk.failSoon(seed % 2 === 0 ? "EIO" : "ENOSPC"))
        if (life.failure !== null) failures++
      }
    }
    assert.isAbove(failures, 100)
  })

  it("does not take damage to what was confirmed for the end of the log", () => {
    const found = { silent: 0, refused: 0 }
    for (let seed = 1; seed <= 300; seed++) {
      const life = new Life(seed)
      life.run(() => {})
      life.run((disk) => disk.damage())
      const isDamaged = life.disk.isDamaged
      try {
        life.disk.open()
        if (isDamaged) found.silent++
      } catch (cause) {
        if (!(cause instanceof StorageError)) throw cause
        assert.isTrue(isDamaged, cause.message)
        found.refused++
      }
    }
    assert.isAbove(found.refused, 100)
  })
})
