/** What a caller of a storage must keep to: the same for every implementation. */
import type { Index } from "../core/Types.ts"
import type { Append, Storage } from "./Storage.ts"
import { Limits } from "../Limits.ts"
import { misuse } from "./StorageError.ts"

const { entryBytesMax } = Limits.storage

export const checkAppend = (storage: Storage, { entries, hardState, truncateFrom }: Append): void => {
  const { firstIndex, snapshots } = storage
  const kept = snapshots.latest?.metadata.index ?? 0
  if (truncateFrom !== null && (truncateFrom <= kept || truncateFrom < firstIndex)) {
    throw misuse(`the log is cut at ${truncateFrom}, which a snapshot covers`)
  }
  const last = truncateFrom === null ? storage.lastIndex : Math.min(storage.lastIndex, truncateFrom - 1)
  let previous: { readonly index: Index; readonly term: number } | null = null
  for (const entry of entries) {
    const isInRow = previous === null ? entry.index <= last + 1 : entry.index === previous.index + 1
    if (!isInRow)
      throw misuse(`entry ${entry.index} does not follow the log, which ends with ${previous?.index ?? last}`)
    if (entry.index <= kept || entry.index < firstIndex) throw misuse(`entry ${entry.index} is in the snapshot already`)
    if (entry.kind === "Command" && entry.data.length > entryBytesMax) {
      throw misuse(`entry ${entry.index} has ${entry.data.length} bytes, at most ${entryBytesMax}`)
    }
    const before = previous?.term ?? storage.term(entry.index - 1) ?? 0
    if (entry.term < before) throw misuse(`entry ${entry.index} has term ${entry.term}, after one of term ${before}`)
    previous = entry
  }
  if (hardState !== null) checkHardState(storage, hardState)
}

const checkHardState = ({ hardState }: Storage, next: Storage["hardState"]): void => {
  const isOtherVote = next.term === hardState.term && hardState.vote !== null && next.vote !== hardState.vote
  if (next.term < hardState.term) throw misuse(`the term goes back from ${hardState.term} to ${next.term}`)
  if (isOtherVote) throw misuse(`a second vote in term ${next.term}`)
}

export const checkRange = ({ firstIndex, lastIndex }: Storage, from: Index, to: Index): void => {
  if (from < firstIndex || to > lastIndex || from > to) {
    throw misuse(`entries ${from} to ${to} are not all in the log, which has ${firstIndex} to ${lastIndex}`)
  }
}

export const checkCompact = ({ lastIndex, snapshots }: Storage, index: Index): void => {
  const covered = snapshots.latest?.metadata.index ?? 0
  if (index > covered) throw misuse(`entries up to ${index} are still needed: the snapshot ends with ${covered}`)
  if (index > lastIndex) throw misuse(`the log ends with ${lastIndex}: the snapshot up to ${covered} is restored first`)
}
