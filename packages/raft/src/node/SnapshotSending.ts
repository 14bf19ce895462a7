/** A leader's snapshot goes to a follower chunk by chunk, as the core asks for them (thesis 5.3). */
import { Result } from "effect"
import type { Input } from "../core/Input.ts"
import type { Message } from "../core/Message.ts"
import type { SnapshotRead } from "../core/Ready.ts"
import { chunkOf } from "../core/SnapshotSender.ts"
import type { NodeId } from "../core/Types.ts"
import type { NodeStorage } from "./NodeStorage.ts"

export interface SnapshotSendingPorts {
  readonly storage: Pick<NodeStorage, "readSnapshot">
  readonly send: (message: Message) => void
  readonly feed: (input: Input) => void
}

/** A chunk that is gone, since a newer snapshot took its place, is reported: the core begins with the newer one. */
export const sendChunk = (id: NodeId, read: SnapshotRead, { feed, send, storage }: SnapshotSendingPorts): void => {
  const { length, offset, snapshot, to } = read
  storage.readSnapshot(snapshot.metadata.index, offset, length, (outcome) => {
    const data = Result.isSuccess(outcome) ? outcome.success : null
    if (data !== null) send(chunkOf(id, read, data))
    feed({ _tag: "SnapshotReport", peer: to, ok: data !== null })
  })
}
