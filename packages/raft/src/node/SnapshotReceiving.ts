/**
 * A snapshot from the leader (thesis 5.3): into a file, the file in place of the log, then in place of the host's state. A
 * crash at any step leaves a log that goes on where the snapshot ends, and a host that restores the file when it starts.
 */
import { Result } from "effect"
import type { Input } from "../core/Input.ts"
import type { SnapshotWrite } from "../core/Ready.ts"
import { snapshotId } from "../core/Types.ts"
import type { Snapshot } from "../core/Types.ts"
import type { StorageError } from "../storage/StorageError.ts"
import type { HostRequest } from "./HostMessage.ts"
import type { NodeStorage } from "./NodeStorage.ts"

export interface SnapshotReceivingPorts {
  readonly storage: Pick<
    NodeStorage,
    "receiveSnapshot" | "writeSnapshot" | "finishSnapshot" | "restore" | "readSnapshot"
  >
  readonly host: (request: HostRequest) => void
  readonly feed: (input: Input) => void
  /** A snapshot of this node's own ends: storage takes one at a time. */
  readonly giveWay: () => void
  /** Runs `action` once the host has applied all that it was given. */
  readonly afterApplying: (action: () => void) => void
  readonly failed: (cause: Error) => void
}

interface Transfer {
  readonly id: string
  readonly snapshot: Snapshot
  /** Where the next chunk goes. */
  received: number
}

export class SnapshotReceiving {
  /** How many took the place of the state. */
  installed = 0
  private readonly ports: SnapshotReceivingPorts
  private transfer: Transfer | null = null

  constructor(ports: SnapshotReceivingPorts) {
    this.ports = ports
  }

  write({ data, offset, snapshot }: SnapshotWrite): void {
    const id = snapshotId(snapshot)
    if (this.transfer?.id === id) {
      this.put(this.transfer, offset, data)
      return
    }
    this.ports.giveWay()
    const transfer: Transfer = { id, snapshot, received: 0 }
    this.transfer = transfer
    const { bytes, checksum, metadata } = snapshot
    this.ports.storage.receiveSnapshot(metadata, { bytes, checksum }, (outcome) =>
      this.when(transfer, outcome, (received) => {
        transfer.received = received
        this.put(transfer, offset, data)
      })
    )
  }

  /** Another snapshot takes its place in storage. */
  giveWay(): void {
    this.transfer = null
  }

  /** The whole has arrived. */
  install(snapshot: Snapshot): void {
    const { transfer } = this
    if (transfer === null) return
    const { afterApplying, feed, host, storage } = this.ports
    storage.finishSnapshot((outcome) => {
      if (this.transfer !== transfer) return
      if (Result.isFailure(outcome) && outcome.failure.reason === "Transfer") {
        this.transfer = null
        feed({ _tag: "SnapshotRefused", id: transfer.id })
        return
      }
      this.when(transfer, outcome, () =>
        storage.restore((restored) =>
          this.when(transfer, restored, () => afterApplying(() => host({ kind: "install", snapshot })))
        )
      )
    })
  }

  /** The host reads what it installs. */
  read(offset: number, bytesMax: number): void {
    const { transfer } = this
    if (transfer === null) return
    this.ports.storage.readSnapshot(transfer.snapshot.metadata.index, offset, bytesMax, (outcome) =>
      this.when(transfer, outcome, (data) => {
        if (data === null) this.ports.failed(new Error(`the snapshot ${transfer.id} is gone while it is installed`))
        else this.ports.host({ kind: "snapshotData", data })
      })
    )
  }

  /** The host's state is the snapshot's. Says whether one was being installed. */
  hostInstalled(): boolean {
    const { transfer } = this
    if (transfer === null) return false
    this.transfer = null
    this.installed++
    this.ports.feed({ _tag: "SnapshotInstalled", id: transfer.id })
    return true
  }

  /** The next chunk that fits, or where storage stands. */
  private put(transfer: Transfer, offset: number, data: Uint8Array): void {
    const stored = (received: number): void => {
      transfer.received = received
      this.ports.feed({ _tag: "SnapshotStored", id: transfer.id, offset: received })
    }
    if (offset !== transfer.received) stored(transfer.received)
    else this.ports.storage.writeSnapshot(offset, data, (outcome) => this.when(transfer, outcome, stored))
  }

  private when<A>(transfer: Transfer, outcome: Result.Result<A, StorageError>, then: (value: A) => void): void {
    if (this.transfer !== transfer) return
    if (Result.isFailure(outcome)) this.ports.failed(outcome.failure)
    else then(outcome.success)
  }
}
