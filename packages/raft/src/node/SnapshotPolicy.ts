/** When a snapshot is taken, and what of the log stays behind it (thesis 5.1.2, 5.1.3). */
import { bytesBetween, lastIndex } from "../core/Log.ts"
import type { State } from "../core/State.ts"
import type { Index } from "../core/Types.ts"
import type { NodeOptions } from "./NodeOptions.ts"

type Settings = Pick<NodeOptions, "snapshotLogBytes" | "trailingEntries" | "logBytesMax">

/** Applied entries that no snapshot covers. */
const grownBytes = ({ applied, log, snapshot }: State): number =>
  bytesBetween(log, snapshot?.metadata.index ?? 0, applied)

/** Whether a follower is getting the snapshot there is, and the transfer moves: a newer one would start it again. */
const isBeingSent = ({ options, progress, role, ticks }: State): boolean =>
  role === "Leader" &&
  [...progress.values()].some(
    ({ mode, transmission }) =>
      mode === "Snapshot" && transmission !== null && ticks - transmission.sentAt <= 2 * options.electionTicks
  )

/** Whether one from the leader is on its way that this node still needs. */
export const isReceiving = ({ commit, incoming }: State): boolean =>
  incoming !== null && (incoming.isInstalling || incoming.snapshot.metadata.index > commit)

export const isSnapshotDue = (state: State, { snapshotLogBytes }: Settings): boolean => {
  const grown = grownBytes(state)
  if (grown < snapshotLogBytes || isReceiving(state)) return false
  return grown >= 2 * snapshotLogBytes || !isBeingSent(state)
}

/** The last entry that may go behind a snapshot up to `index`: some stay for followers that are a little late. */
export const compactionIndex = (
  { log }: State,
  index: Index,
  { snapshotLogBytes, trailingEntries }: Settings
): Index => {
  let low = Math.max(index - trailingEntries, log.baseIndex)
  let high = Math.max(index, low)
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (bytesBetween(log, middle, index) > snapshotLogBytes) low = middle + 1
    else high = middle
  }
  return low
}

const logBytes = ({ log }: State): number => bytesBetween(log, log.baseIndex, lastIndex(log))

/** Snapshots must be failing: the leader takes no more proposals. */
export const isLogFull = (state: State, { logBytesMax }: Settings): boolean => logBytes(state) >= logBytesMax

/** A follower cannot refuse what its leader sends. One whose snapshots fail stops before it runs out of memory. */
export const isLogOverfull = (state: State, { logBytesMax }: Settings): boolean => logBytes(state) >= 2 * logBytesMax
