/** A node's snapshots, in all directions: its own, those it sends and those it gets. Storage has room for one that arrives. */
import type { Input } from "../core/Input.ts"
import type { Message } from "../core/Message.ts"
import type { SnapshotRead, SnapshotWrite } from "../core/Ready.ts"
import type { State } from "../core/State.ts"
import type { Snapshot } from "../core/Types.ts"
import type { HostMessage, HostRequest } from "./HostMessage.ts"
import type { NodeOptions } from "./NodeOptions.ts"
import type { NodeStorage } from "./NodeStorage.ts"
import type { StopReason } from "./NodeStopped.ts"
import { isLogOverfull } from "./SnapshotPolicy.ts"
import { SnapshotReceiving } from "./SnapshotReceiving.ts"
import { sendChunk } from "./SnapshotSending.ts"
import { SnapshotTaking } from "./SnapshotTaking.ts"
import type { Counters } from "./Status.ts"

export interface SnapshotsPorts {
  readonly storage: NodeStorage
  readonly host: (request: HostRequest) => void
  readonly send: (message: Message) => void
  readonly state: () => State
  readonly feed: (input: Input) => void
  readonly nowMillis: () => number
  /** Runs `action` once the host has applied all that it was given. */
  readonly afterApplying: (action: () => void) => void
  /** A snapshot took the place of entries that the host never saw. */
  readonly installed: () => void
  readonly stop: (reason: StopReason, cause: Error) => void
}

export class Snapshots {
  private readonly options: NodeOptions
  private readonly ports: SnapshotsPorts
  private readonly taking: SnapshotTaking
  private readonly receiving: SnapshotReceiving

  constructor(options: NodeOptions, ports: SnapshotsPorts) {
    this.options = options
    this.ports = ports
    this.taking = new SnapshotTaking(options, { ...ports, giveWay: () => this.receiving.giveWay() })
    this.receiving = new SnapshotReceiving({
      ...ports,
      giveWay: () => this.taking.giveWay(),
      failed: (cause) => ports.stop("StorageFailed", cause)
    })
  }

  /** Why the last one of its own failed; `null`: it did not. */
  get failure(): string | null {
    return this.taking.failure
  }

  get counters(): Pick<Counters, "snapshotsTaken" | "snapshotsFailed" | "snapshotsInstalled"> {
    const { failed, taken } = this.taking
    return { snapshotsTaken: taken, snapshotsFailed: failed, snapshotsInstalled: this.receiving.installed }
  }

  /** Begins one when the log has grown enough. */
  consider(): void {
    this.taking.consider()
    // Whoever has only just started with such a log may mend it: one snapshot has to have failed.
    const { failure } = this
    if (failure === null || !isLogOverfull(this.ports.state(), this.options)) return
    this.ports.stop("LogOverfull", new Error(failure))
  }

  read(read: SnapshotRead): void {
    sendChunk(this.options.id, read, this.ports)
  }

  write(write: SnapshotWrite): void {
    this.receiving.write(write)
  }

  install(snapshot: Snapshot): void {
    this.receiving.install(snapshot)
  }

  hear(message: Extract<HostMessage, { readonly kind: `snapshot${string}` | "installed" }>): void {
    switch (message.kind) {
      case "snapshotBegin":
        return this.taking.begun(message.index)
      case "snapshotChunk":
        return this.taking.chunk(message.offset, message.data)
      case "snapshotEnd":
        return this.taking.ended()
      case "snapshotFailed":
        return this.taking.hostFailed(message.message)
      case "snapshotRead":
        return this.receiving.read(message.offset, message.bytesMax)
      case "installed":
        if (this.receiving.hostInstalled()) this.ports.installed()
    }
  }
}
