/** Opens a storage directory: what is in it, whether it fits together, and what a crash left undone. */
import { dirname, join } from "node:path"
import type { HardState, SnapshotMetadata } from "../core/Types.ts"
import type { FileSystem, Lock } from "./file/FileSystem.ts"
import { readWhole } from "./file/FileSystem.ts"
import { systemCall } from "./file/SystemCall.ts"
import { HardStateFile, hardStateName } from "./HardStateFile.ts"
import { createLog, recoverLog, segmentsIn } from "./log/LogRecovery.ts"
import type { LogRecovery } from "./log/LogRecovery.ts"
import { SegmentedLog } from "./log/SegmentedLog.ts"
import type { LogOptions } from "./log/SegmentedLog.ts"
import { segmentName } from "./log/SegmentFormat.ts"
import { scanSegment } from "./log/SegmentScan.ts"
import { SnapshotFiles } from "./snapshot/SnapshotFiles.ts"
import { parseSnapshotName } from "./snapshot/SnapshotFormat.ts"
import type { RecoveryReport } from "./Storage.ts"
import { StorageError } from "./StorageError.ts"

export interface Opened {
  readonly lock: Lock
  readonly log: SegmentedLog
  readonly hardState: HardStateFile
  readonly snapshots: SnapshotFiles
  readonly report: RecoveryReport
}

const lockName = "lock"

export const recover = (files: FileSystem, directory: string, options: LogOptions): Opened => {
  systemCall("create", directory, null, () => {
    files.makeDirectory(directory)
    files.syncDirectory(dirname(directory))
  })
  const lock = takeLock(files, directory)
  try {
    return { lock, ...open(files, directory, options) }
  } catch (cause) {
    lock.release()
    throw cause
  }
}

const takeLock = (files: FileSystem, directory: string): Lock => {
  const path = join(directory, lockName)
  try {
    return files.lock(path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const detail = `this directory is in use (${reason})`
    throw new StorageError({ reason: "Locked", file: path, offset: null, detail, cause })
  }
}

const open = (files: FileSystem, directory: string, options: LogOptions): Omit<Opened, "lock"> => {
  const names = systemCall("list", directory, null, () => files.list(directory))
  const isNew = !names.includes(hardStateName)
  if (isNew) clearUnfinished(files, directory, names)
  const snapshots = new SnapshotFiles(files, directory)
  const recovery = isNew ? createLog(files, directory) : recoverExisting(files, directory, names)
  const log = new SegmentedLog(files, directory, recovery.log, options)
  // Last, because it is what says that the directory is a storage.
  const hardState = isNew ? HardStateFile.create(files, directory) : HardStateFile.open(files, directory)
  const metadata = snapshots.latest?.metadata ?? null
  reconcile(directory, log, metadata)
  raiseTerm(log, hardState)
  const report = {
    torn: recovery.torn,
    snapshot: metadata,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex
  }
  return { log, hardState, snapshots, report }
}

/** Without a hard state there is either nothing, or what a first start left behind, or a vote that was lost. */
const clearUnfinished = (files: FileSystem, directory: string, names: ReadonlyArray<string>): void => {
  const segments = segmentsIn(names)
  const isUnfinished =
    names.every((name) => parseSnapshotName(name) === null) &&
    (segments.length === 0 || (segments.length === 1 && segments[0] === 1 && isEmptySegment(files, directory)))
  if (!isUnfinished) {
    const file = join(directory, hardStateName)
    const detail =
      "the file with term and vote is missing, though there is a log or a snapshot: a node that forgot its vote must not go on"
    throw new StorageError({ reason: "Missing", file, offset: null, detail })
  }
  const left = [...segments.map(segmentName), ...names.filter((name) => name === `${hardStateName}.partial`)]
  for (const name of left) systemCall("remove", join(directory, name), null, () => files.remove(join(directory, name)))
}

const isEmptySegment = (files: FileSystem, directory: string): boolean => {
  const path = join(directory, segmentName(1))
  const { proofOfDamage, records } = scanSegment(
    systemCall("read", path, null, () => readWhole(files, path)),
    1
  )
  return records.length === 0 && proofOfDamage === null
}

const recoverExisting = (files: FileSystem, directory: string, names: ReadonlyArray<string>): LogRecovery => {
  const segments = segmentsIn(names)
  if (segments.length > 0) return recoverLog(files, directory, segments)
  const detail = "there is no log file, though this node had one"
  throw new StorageError({ reason: "Missing", file: directory, offset: null, detail })
}

/** A snapshot and a log that do not meet were never written by this program. */
const reconcile = (directory: string, log: SegmentedLog, snapshot: SnapshotMetadata | null): void => {
  const covered = snapshot?.index ?? 0
  if (log.firstIndex > covered + 1) {
    const detail = `the log begins with index ${log.firstIndex}, and ${snapshot === null ? "there is no snapshot" : `the snapshot ends with ${covered}`}: the entries between are missing`
    throw new StorageError({ reason: "Gap", file: directory, offset: null, detail })
  }
  if (snapshot === null) return
  // The snapshot was complete, and the log not yet told: what it holds up to there is covered, or contradicts it.
  const isBehind = log.lastIndex < covered
  const contradicts = !isBehind && log.firstIndex <= covered && log.term(covered) !== snapshot.term
  if (!isBehind && !contradicts) return
  log.reset(covered, snapshot.term)
  log.sync()
}

/** Entries became durable, and the term they brought did not: no vote was cast in it, for that would be durable too. */
const raiseTerm = (log: SegmentedLog, hardState: HardStateFile): void => {
  const state: HardState = hardState.state
  if (log.lastTerm <= state.term) return
  hardState.write({ ...state, term: log.lastTerm, vote: null })
  hardState.sync()
}
