/** A snapshot that the Raft thread has in its storage, as the image that the state machine restores itself from. */
import { Effect } from "effect"
import type { Snapshot } from "../../core/Types.ts"
import type { HostMessage } from "../HostMessage.ts"
import type { SnapshotImage } from "../StateMachine.ts"

export class SnapshotPull {
  readonly snapshot: Snapshot
  readonly image: SnapshotImage
  private resume: ((data: Effect.Effect<Uint8Array, Error>) => void) | null = null

  constructor(snapshot: Snapshot, tell: (message: HostMessage) => void) {
    this.snapshot = snapshot
    this.image = {
      index: snapshot.metadata.index,
      bytes: snapshot.bytes,
      read: (offset, bytesMax) =>
        Effect.callback<Uint8Array, Error>((resume) => {
          this.resume = resume
          tell({ kind: "snapshotRead", offset, bytesMax })
        }),
      close: Effect.void
    }
  }

  /** Answers the read that waits: there is one at a time. Nothing would be read for ever, so it is a failure. */
  hear(data: Uint8Array): void {
    const { resume } = this
    this.resume = null
    resume?.(data.length > 0 ? Effect.succeed(data) : Effect.fail(new Error("the snapshot ends before its size")))
  }
}
