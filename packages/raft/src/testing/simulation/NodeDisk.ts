/**
 * The disk of one node, which outlives its processes: the production storage's files on a simulated disk, what was
 * confirmed of them as the simulator remembers it, and what goes wrong with them.
 */

import type { Append } from "../../core/Ready.ts"
import type { Configuration, HardState, Index, SnapshotMetadata, Term } from "../../core/Types.ts"
import { DiskStorage } from "../../storage/DiskStorage.ts"
import type { FileSystem } from "../../storage/file/FileSystem.ts"
import { SimulatedDisk } from "../../storage/file/SimulatedDisk.ts"
import type { Survival } from "../../storage/file/SimulatedDisk.ts"
import type { LogOptions } from "../../storage/log/SegmentedLog.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { Counters } from "./Counters.ts"
import { DurableLog } from "./DurableLog.ts"
import { inflictSectorFault } from "./SectorFaults.ts"

export const storageDirectory = "/raft"

const everySectorMay = (random: SeededRandom, percent: number): (() => boolean) => {
  return () => random.chance(percent)
}

export class NodeDisk {
  /** What was confirmed: the log and the hard state that must be there, whatever happens. */
  readonly durable: DurableLog
  /** Whether something that was confirmed has been changed behind the node's back, and it has not been started since. */
  isDamaged = false
  /** A flush that is under way, or begins before then, lasts at least until then. */
  stalledUntilMillis = 0
  private readonly disk = new SimulatedDisk()
  private readonly random: SeededRandom
  private readonly counters: Counters
  private readonly log: LogOptions

  constructor(random: SeededRandom, counters: Counters, log: LogOptions, bootstrap: Configuration | null) {
    this.random = random
    this.counters = counters
    this.log = log
    this.durable = new DurableLog(bootstrap)
  }

  /**
   * Recovers what is there. Throws StorageError, PowerCut when the power is to go on the way, and SafetyViolation when
   * something is not there that was confirmed.
   */
  open(isToBeCut = false): DiskStorage {
    this.disk.kill()
    if (isToBeCut) this.cutSoon()
    const storage = DiskStorage.open(this.disk, storageDirectory, this.log)
    if (storage.report.torn !== null) this.counters.add("storage: torn tail cut")
    this.durable.recovered(storage)
    if (this.isDamaged) this.counters.add("storage: damage repaired or harmless")
    this.isDamaged = false
    return storage
  }

  get files(): FileSystem {
    return this.disk
  }

  appended(append: Append): void {
    this.durable.appended(append)
  }

  /** What was appended before is durable. */
  synced(): void {
    this.durable.synced()
  }

  restored(metadata: SnapshotMetadata): void {
    this.durable.restored(metadata)
  }

  holds(index: Index, term: Term): boolean {
    return this.durable.holds(index, term)
  }

  get hardState(): HardState {
    return this.durable.hardState
  }

  /** The process dies, and often the machine with it: then of what was not flushed any part is there, whole or torn. */
  crash(): "process" | "power" {
    if (this.random.chance(30)) {
      this.counters.add("crash: process")
      this.disk.kill()
      return "process"
    }
    const survival = this.drawSurvival()
    this.counters.add(`crash: power, of unflushed sectors survive ${survival.kind}`)
    this.disk.restart(survival)
    return "power"
  }

  /** The power goes before one of the next operations. */
  cutSoon(): void {
    this.disk.failAt({ operation: this.disk.operations + this.random.between(1, 12), kind: "cut" })
  }

  /** One of the next operations fails. */
  failSoon(kind: "EIO" | "ENOSPC"): void {
    this.disk.failAt({ operation: this.disk.operations + this.random.between(1, 4), kind })
  }

  mend(): void {
    this.disk.failAt(null)
    this.stalledUntilMillis = 0
  }

  /** Changes something that was confirmed. Returns what, or null when there is nothing yet that could be changed fairly. */
  damage(): string | null {
    const what = inflictSectorFault(this.disk, storageDirectory, this.random)
    if (what !== null) this.isDamaged = true
    return what
  }

  private drawSurvival(): Survival {
    const { random } = this
    switch (random.between(0, 5)) {
      case 0:
        return { kind: "none" }
      case 1:
        return { kind: "all" }
      case 2:
        return { kind: "chosen", survives: everySectorMay(random, random.pick([20, 50, 90])) }
      case 3:
        return {
          kind: "garbled",
          survives: everySectorMay(random, random.pick([10, 50, 90])),
          noise: () => random.bits()
        }
      default:
        return { kind: "prefix", count: random.between(0, 6), tornBytes: random.between(0, 511) }
    }
  }
}
