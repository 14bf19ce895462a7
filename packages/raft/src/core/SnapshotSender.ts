/**
 * The leader's side of a snapshot (thesis 5.3): chunks, each after the answer to the one before, resumed where they
 * stopped. The core says which bytes; the driver reads them.
 */
import { snapshotId } from "./Types.ts"
import type { NodeId } from "./Types.ts"
import type { SnapshotChunk, SnapshotResponse } from "./Message.ts"
import { toProbe, toSnapshot } from "./Progress.ts"
import type { Progress, Transmission } from "./Progress.ts"
import type { SnapshotRead } from "./Ready.ts"
import { setProgress } from "./Turn.ts"
import type { Turn } from "./Turn.ts"

export const chunkOf = (from: NodeId, read: SnapshotRead, data: Uint8Array): SnapshotChunk => ({
  _tag: "SnapshotChunk",
  from,
  to: read.to,
  term: read.term,
  snapshot: read.snapshot,
  offset: read.offset,
  data
})

/** To a follower that is there to receive it; one that is not is probed until it answers. */
export const beginTransmission = (turn: Turn, to: NodeId): void => {
  const { state } = turn
  const progress = state.progress.get(to)
  if (progress === undefined || !progress.isActive || state.snapshot === null) return
  const interrupted = progress.transmission
  const resumed =
    interrupted !== null && snapshotId(interrupted.snapshot) === snapshotId(state.snapshot)
      ? interrupted
      : { snapshot: state.snapshot, offset: 0, sentAt: state.ticks }
  readChunk(turn, to, progress, resumed)
}

const readChunk = (turn: Turn, to: NodeId, progress: Progress, at: Transmission): void => {
  const { state } = turn
  setProgress(turn, to, toSnapshot(progress, { ...at, sentAt: state.ticks }))
  turn.snapshotReads.push({
    to,
    term: state.term,
    snapshot: at.snapshot,
    offset: at.offset,
    length: Math.min(state.options.snapshotChunkBytes, at.snapshot.bytes - at.offset)
  })
}

export const receiveSnapshotResponse = (turn: Turn, message: SnapshotResponse): void => {
  const before = turn.state.progress.get(message.from)
  if (before === undefined) return
  const progress = { ...before, isActive: true }
  setProgress(turn, message.from, progress)
  const { transmission } = progress
  if (progress.mode !== "Snapshot" || transmission === null || snapshotId(transmission.snapshot) !== message.id) return
  if (message.failed)
    setProgress(turn, message.from, { ...toProbe(progress, progress.next), transmission: null, isProbing: true })
  else if (message.offset < transmission.snapshot.bytes && message.offset !== transmission.offset) {
    readChunk(turn, message.from, progress, { ...transmission, offset: message.offset })
  }
}

/** A chunk or its answer may be lost: it is sent again when nothing was heard for an election timeout. */
export const continueTransmission = (turn: Turn, to: NodeId): void => {
  const progress = turn.state.progress.get(to)
  const transmission = progress?.transmission ?? null
  if (progress?.mode !== "Snapshot" || transmission === null) return
  const { state } = turn
  if (transmission.snapshot.metadata.index < state.log.baseIndex) {
    setProgress(turn, to, { ...toProbe(progress, progress.next), transmission: null })
  } else if (state.ticks - transmission.sentAt >= state.options.electionTicks) {
    readChunk(turn, to, progress, transmission)
  }
}

/** The driver could not read or send a chunk: the next heartbeat that is answered resumes there. */
export const interruptTransmission = (turn: Turn, to: NodeId): void => {
  const progress = turn.state.progress.get(to)
  if (progress?.mode === "Snapshot") setProgress(turn, to, { ...toProbe(progress, progress.next), isProbing: true })
}

/** An append was lost on the way: what was sent ahead of its answer probably is too. */
export const peerUnreachable = (turn: Turn, peer: NodeId): void => {
  const progress = turn.state.progress.get(peer)
  if (progress?.mode === "Replicate") setProgress(turn, peer, toProbe(progress, progress.match + 1))
}
