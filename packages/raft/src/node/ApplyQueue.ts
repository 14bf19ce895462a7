/**
 * Committed entries on their way to the host, in batches that leave its thread room for other work: a few are there at a
 * time, the others wait here. How much waits is bounded by the core (`committedBytesMax`).
 */
import { entryBytes } from "../core/Log.ts"
import type { Entry, Index } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { HostRequest, Waiter } from "./HostMessage.ts"
import type { Proposal } from "./Proposal.ts"

export interface ApplyPorts {
  readonly host: (request: HostRequest) => void
  /** Whoever waits for this entry. */
  readonly claim: (entry: Entry) => Proposal | null
}

interface Batch {
  readonly last: Index
  readonly claimed: ReadonlyArray<Proposal>
}

interface Arrival {
  readonly last: Index
  readonly atMillis: number
}

export class ApplyQueue {
  private readonly ports: ApplyPorts
  private entries: Array<Entry> = []
  /** Where the waiting entries begin in `entries`. */
  private head = 0
  /** By index. */
  private readonly claimed = new Map<Index, Proposal>()
  private readonly batches: Array<Batch> = []
  private readonly arrivals: Array<Arrival> = []
  private whenEmpty: (() => void) | null = null
  /** Since when the host works on the batch that is first there; `null`: none is. */
  private workingMillis: number | null = null

  constructor(ports: ApplyPorts) {
    this.ports = ports
  }

  /** Since when the oldest entry waits that the host has not applied; `null`: none does. */
  get oldestMillis(): number | null {
    return this.arrivals[0]?.atMillis ?? null
  }

  /**
   * Since when the host has applied nothing, though it has something to apply; `null`: it has nothing. One that works off a
   * long backlog is late and yet not stuck.
   */
  get stuckMillis(): number | null {
    return this.workingMillis
  }

  push(entries: ReadonlyArray<Entry>, nowMillis: number): void {
    for (const entry of entries) {
      this.entries.push(entry)
      const proposal = this.ports.claim(entry)
      if (proposal !== null) this.claimed.set(entry.index, proposal)
    }
    const last = this.entries.at(-1)
    if (last !== undefined) this.arrivals.push({ last: last.index, atMillis: nowMillis })
    this.pump()
    if (this.batches.length > 0) this.workingMillis ??= nowMillis
  }

  /** The host answered one batch. Returns the proposals that were in it. */
  applied(nowMillis: number): ReadonlyArray<Proposal> {
    const batch = this.batches.shift()
    if (batch === undefined) return []
    while (this.arrivals[0] !== undefined && this.arrivals[0].last <= batch.last) this.arrivals.shift()
    this.pump()
    this.workingMillis = this.batches.length > 0 ? nowMillis : null
    return batch.claimed
  }

  /** Runs `action` once the host has applied all there is; the last call counts. */
  drained(action: () => void): void {
    this.whenEmpty = action
    this.pump()
  }

  private pump(): void {
    while (this.batches.length < Limits.node.applyBatchesMax && this.head < this.entries.length) {
      this.send(this.nextBatch())
    }
    if (this.batches.length > 0 || this.whenEmpty === null) return
    const action = this.whenEmpty
    this.whenEmpty = null
    action()
  }

  private nextBatch(): ReadonlyArray<Entry> {
    let to = this.head
    let bytes = 0
    while (to < this.entries.length && to - this.head < Limits.node.applyEntriesMax) {
      bytes += entryBytes(this.entries[to] as Entry)
      if (to > this.head && bytes > Limits.node.applyBytesMax) break
      to++
    }
    const batch = this.entries.slice(this.head, to)
    this.head = to
    // What left goes when it is at least half: under steady load the queue may never be empty.
    if (2 * this.head >= this.entries.length) {
      this.entries = this.entries.slice(this.head)
      this.head = 0
    }
    return batch
  }

  private send(entries: ReadonlyArray<Entry>): void {
    const waiters: Array<Waiter> = []
    const claimed: Array<Proposal> = []
    if (this.claimed.size > 0) {
      for (const { index } of entries) {
        const proposal = this.claimed.get(index)
        if (proposal === undefined) continue
        this.claimed.delete(index)
        claimed.push(proposal)
        for (const { to, id } of proposal.askers) waiters.push({ index, to, id })
      }
    }
    this.batches.push({ last: entries.at(-1)?.index ?? 0, claimed })
    this.ports.host({ kind: "apply", entries, waiters })
  }
}
