/** Hands the state machine's snapshot to the Raft thread, chunk by chunk as it is asked for. One at a time. */
import { Exit } from "effect"
import type { Cause } from "effect"
import type { HostPorts } from "../Host.ts"
import type { SnapshotImage, StateMachine } from "../StateMachine.ts"
import { failureText } from "./StateMachineFailed.ts"

export class SnapshotSource {
  private readonly machine: StateMachine
  private readonly ports: HostPorts
  private image: SnapshotImage | null = null
  /** Counts what was begun: answers of a snapshot that was ended meanwhile are late. */
  private generation = 0

  constructor(machine: StateMachine, ports: HostPorts) {
    this.machine = machine
    this.ports = ports
  }

  /** Ends one that is under way. */
  take(): void {
    this.end()
    const { generation, ports } = this
    ports.run(this.machine.snapshot, (exit) => {
      if (generation !== this.generation) {
        if (Exit.isSuccess(exit)) this.close(exit.value)
        return
      }
      if (Exit.isFailure(exit)) {
        this.fail(exit.cause)
        return
      }
      this.image = exit.value
      ports.tell({ kind: "snapshotBegin", index: exit.value.index, bytes: exit.value.bytes })
      if (exit.value.bytes === 0) this.finish()
    })
  }

  /** The next chunk. Nothing when there is no snapshot: it failed or ended, and that is told already. */
  give(offset: number, bytesMax: number): void {
    const { generation, image, ports } = this
    if (image === null) return
    ports.run(image.read(offset, bytesMax), (exit) => {
      if (generation !== this.generation) return
      if (Exit.isFailure(exit)) {
        this.fail(exit.cause)
        return
      }
      ports.tell({ kind: "snapshotChunk", offset, data: exit.value })
      if (offset + exit.value.length >= image.bytes) this.finish()
    })
  }

  /** Nothing more comes of the one that is under way. */
  end(): void {
    this.generation += 1
    const { image } = this
    this.image = null
    if (image !== null) this.close(image)
  }

  private finish(): void {
    this.end()
    this.ports.tell({ kind: "snapshotEnd" })
  }

  /** Nothing is lost without a snapshot: the Raft thread counts it and tries again. */
  private fail(cause: Cause.Cause<unknown>): void {
    this.end()
    this.ports.tell({ kind: "snapshotFailed", message: failureText(cause) })
  }

  private close(image: SnapshotImage): void {
    this.ports.run(image.close, () => undefined)
  }
}
