/** A follower's side of a snapshot (thesis 5.3): chunks in order into a file, then the file in place of log and state. */
import { emptyLog, termAt } from "./Log.ts"
import type { SnapshotChunk } from "./Message.ts"
import { queueItems, queueOf } from "./Queue.ts"
import { send, sendAfterPersist } from "./Turn.ts"
import type { Turn } from "./Turn.ts"
import { snapshotId } from "./Types.ts"

export const receiveChunk = (turn: Turn, message: SnapshotChunk): void => {
  const { state } = turn
  const { snapshot, from, offset, data } = message
  const { index, term } = snapshot.metadata
  if (state.incoming?.isInstalling === true) return
  if (index <= state.commit) {
    sendAfterPersist(turn, { _tag: "AppendAccepted", to: from, index: state.commit })
    return
  }
  if (termAt(state.log, index) === term) {
    // The log has what the snapshot covers: that much is committed, and nothing need be replaced.
    state.commit = index
    state.incoming = null
    sendAfterPersist(turn, { _tag: "AppendAccepted", to: from, index })
    return
  }
  const id = snapshotId(snapshot)
  if (state.incoming === null || snapshotId(state.incoming.snapshot) !== id) {
    state.incoming = { snapshot, received: 0, isWriting: false, isInstalling: false }
  }
  if (state.incoming.isWriting) return
  const fits = offset === state.incoming.received && offset + data.length <= snapshot.bytes
  if (!fits || (data.length === 0 && snapshot.bytes > 0)) {
    send(turn, { _tag: "SnapshotResponse", to: from, id, offset: state.incoming.received, failed: false })
    return
  }
  turn.snapshotWrite = { snapshot, offset, data }
  state.incoming = { ...state.incoming, isWriting: true }
}

export const chunkStored = (turn: Turn, id: string, offset: number): void => {
  const { state } = turn
  const { incoming } = state
  if (incoming === null || snapshotId(incoming.snapshot) !== id || incoming.isInstalling) return
  const { index, term } = incoming.snapshot.metadata
  if (
    state.role !== "Follower" ||
    state.leader === null ||
    index <= state.commit ||
    termAt(state.log, index) === term
  ) {
    // Nobody leads here any more, or the log has come as far by itself: what is there must not be replaced.
    state.incoming = null
    return
  }
  const isWhole = offset === incoming.snapshot.bytes
  state.incoming = { ...incoming, received: offset, isWriting: false, isInstalling: isWhole }
  if (isWhole) turn.snapshotInstall = incoming.snapshot
  send(turn, { _tag: "SnapshotResponse", to: state.leader, id, offset, failed: false })
}

export const snapshotInstalled = (turn: Turn, id: string): void => {
  const { state } = turn
  const { incoming } = state
  if (incoming === null || snapshotId(incoming.snapshot) !== id) return
  const { index, term, configuration } = incoming.snapshot.metadata
  state.log = emptyLog(index, term)
  state.configurations = [{ index, configuration }]
  state.commit = index
  state.persisted = index
  state.delivered = index
  state.applied = index
  state.writes = queueOf(queueItems(state.writes).map((write) => ({ ...write, last: Math.min(write.last, index) })))
  state.snapshot = incoming.snapshot
  state.incoming = null
  if (state.leader !== null) sendAfterPersist(turn, { _tag: "AppendAccepted", to: state.leader, index })
}

export const snapshotRefused = (turn: Turn, id: string): void => {
  const { state } = turn
  if (state.incoming === null || snapshotId(state.incoming.snapshot) !== id) return
  state.incoming = null
  if (state.leader !== null && state.role === "Follower") {
    send(turn, { _tag: "SnapshotResponse", to: state.leader, id, offset: 0, failed: true })
  }
}
