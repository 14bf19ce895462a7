/**
 * The node's own snapshots (thesis 5.1): the host gives the content chunk by chunk, as storage takes it. One that fails is
 * tried again later, and nothing is lost: the log is cut only behind a snapshot that is durable.
 */
import { Result } from "effect"
import type { Input } from "../core/Input.ts"
import { configurationAt } from "../core/Configuration.ts"
import { termAt } from "../core/Log.ts"
import type { State } from "../core/State.ts"
import type { Index, Snapshot } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { HostRequest } from "./HostMessage.ts"
import type { NodeOptions } from "./NodeOptions.ts"
import type { NodeStorage } from "./NodeStorage.ts"
import { compactionIndex, isReceiving, isSnapshotDue } from "./SnapshotPolicy.ts"

export interface SnapshotTakingPorts {
  readonly storage: Pick<
    NodeStorage,
    "receiveSnapshot" | "writeSnapshot" | "finishSnapshot" | "abandonSnapshot" | "compact"
  >
  readonly host: (request: HostRequest) => void
  readonly state: () => State
  readonly feed: (input: Input) => void
  readonly nowMillis: () => number
  /** A snapshot from the leader that is under way ends: storage takes one at a time. */
  readonly giveWay: () => void
}

/** `Asked`: the host opens it. `Opening`: storage does. `Copying`: chunks go from one to the other. */
type Phase = "Idle" | "Asked" | "Opening" | "Copying" | "Finishing"

export class SnapshotTaking {
  /** How many were taken, and how many failed. */
  taken = 0
  failed = 0
  /** Why the last one failed; `null`: it did not. */
  failure: string | null = null
  private readonly options: NodeOptions
  private readonly ports: SnapshotTakingPorts
  private phase: Phase = "Idle"
  /** Counts what was begun: answers of storage to an earlier one are dropped. */
  private round = 0
  private received = 0
  private isEnded = false
  private failuresInRow = 0
  private notBeforeMillis = 0

  constructor(options: NodeOptions, ports: SnapshotTakingPorts) {
    this.options = options
    this.ports = ports
  }

  /** Begins one when the log has grown enough and none is being made. */
  consider(): void {
    if (this.phase !== "Idle" || this.ports.nowMillis() < this.notBeforeMillis) return
    if (!isSnapshotDue(this.ports.state(), this.options)) return
    this.phase = "Asked"
    this.ports.host({ kind: "takeSnapshot" })
  }

  /** The host has an image of its state at `index`. */
  begun(index: Index): void {
    if (this.phase === "Idle" || this.phase === "Finishing") return
    const state = this.ports.state()
    const term = termAt(state.log, index)
    if (term === null || index <= (state.snapshot?.metadata.index ?? 0) || isReceiving(state)) {
      // Another snapshot has come meanwhile, or is coming.
      this.phase = "Idle"
      return
    }
    this.ports.giveWay()
    this.phase = "Opening"
    this.isEnded = false
    const round = ++this.round
    const metadata = { index, term, configuration: configurationAt(state.configurations, index) }
    this.ports.storage.receiveSnapshot(metadata, null, (outcome) => this.next(round, outcome))
  }

  chunk(offset: number, data: Uint8Array): void {
    if (this.phase !== "Copying" || offset !== this.received) return
    const { round } = this
    this.phase = "Opening"
    this.ports.storage.writeSnapshot(offset, data, (outcome) => this.next(round, outcome))
  }

  /** That was the last chunk. */
  ended(): void {
    if (this.phase === "Copying") this.finish()
    else if (this.phase === "Opening") this.isEnded = true
  }

  /** The host could not make one. */
  hostFailed(message: string): void {
    if (this.phase === "Idle" || this.phase === "Finishing") return
    if (this.phase !== "Asked") this.ports.storage.abandonSnapshot()
    this.delay(message)
  }

  /** Another snapshot takes its place in storage. What is complete already is only waited for. */
  giveWay(): void {
    if (this.phase === "Finishing") return
    this.round++
    this.phase = "Idle"
  }

  private next(round: number, outcome: Result.Result<number, Error>): void {
    if (round !== this.round) return
    if (Result.isFailure(outcome)) {
      this.delay(outcome.failure.message)
      return
    }
    this.received = outcome.success
    if (this.isEnded) {
      this.finish()
      return
    }
    this.phase = "Copying"
    const bytesMax = this.options.core.snapshotChunkBytes
    this.ports.host({ kind: "snapshotWanted", offset: this.received, bytesMax })
  }

  private finish(): void {
    this.phase = "Finishing"
    this.ports.storage.finishSnapshot((outcome) => {
      if (Result.isFailure(outcome)) this.delay(outcome.failure.message)
      else this.finished(outcome.success)
    })
  }

  private finished(snapshot: Snapshot): void {
    this.phase = "Idle"
    this.taken++
    this.failure = null
    this.failuresInRow = 0
    const { feed, state, storage } = this.ports
    const before = state().log.baseIndex
    feed({ _tag: "SnapshotTaken", snapshot })
    feed({ _tag: "Compact", index: compactionIndex(state(), snapshot.metadata.index, this.options) })
    const { baseIndex } = state().log
    if (baseIndex > before) storage.compact(baseIndex)
  }

  private delay(failure: string): void {
    this.phase = "Idle"
    this.round++
    this.failed++
    this.failure = failure
    const { snapshotRetryMillisMax, snapshotRetryMillisMin } = Limits.node
    const waitMillis = Math.min(snapshotRetryMillisMin * 2 ** this.failuresInRow++, snapshotRetryMillisMax)
    this.notBeforeMillis = this.ports.nowMillis() + waitMillis
  }
}
