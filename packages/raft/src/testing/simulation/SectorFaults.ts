/**
 * Changes bytes that were confirmed, as disks do: a bit that flips, a sector that comes back as it once was or that was
 * written to the place of another. Only what the storage promises to notice (DESIGN.md, Storage): of the log what a later
 * record proves to have been durable, of the hard state one of its copies.
 */

import { sectorBytes } from "../../storage/file/SimulatedDisk.ts"
import type { SimulatedDisk } from "../../storage/file/SimulatedDisk.ts"
import { hardStateName } from "../../storage/HardStateFile.ts"
import { recordBytes } from "../../storage/log/RecordFormat.ts"
import { segmentHeaderBytes, segmentOf } from "../../storage/log/SegmentFormat.ts"
import { scanSegment } from "../../storage/log/SegmentScan.ts"
import { parseSnapshotName } from "../../storage/snapshot/SnapshotFormat.ts"
import type { SeededRandom } from "../SeededRandom.ts"

const kinds = ["bit flip", "stale sector", "misdirected sector"] as const
type FaultKind = (typeof kinds)[number]

export const sectorFaultKinds: ReadonlyArray<string> = kinds

/** A file, and how much of its start may be damaged. */
interface Target {
  readonly path: string
  readonly bytes: Uint8Array
  readonly end: number
}

/** Up to where a later record, or a later file, says that the segment was durable. */
const provenEnd = (bytes: Uint8Array, segment: number, isNewest: boolean): number => {
  const { records, end } = scanSegment(bytes, segment)
  return isNewest ? Math.min(end, records.at(-1)?.durableTo ?? 0) : end
}

const targets = (disk: SimulatedDisk, directory: string): ReadonlyArray<Target> => {
  const names = disk.list(directory)
  const newest = Math.max(...names.map((name) => segmentOf(name) ?? 0))
  return names.flatMap((name) => {
    const path = `${directory}/${name}`
    const segment = segmentOf(name)
    if (segment !== null) {
      const bytes = disk.durableContent(path)
      return [{ path, bytes, end: Math.min(bytes.length, provenEnd(bytes, segment, segment === newest)) }]
    }
    const snapshot = parseSnapshotName(name)
    if (snapshot !== null && !snapshot.isPartial) {
      const bytes = disk.durableContent(path)
      return [{ path, bytes, end: bytes.length }]
    }
    // The first sector of any one slot: the other copy of the same state stays whole.
    if (name === hardStateName) return [{ path, bytes: disk.durableContent(path), end: sectorBytes }]
    return []
  })
}

const flipBit = (disk: SimulatedDisk, { path, end }: Target, random: SeededRandom): void => {
  const offset = random.between(0, end - 1)
  const mask = 1 << random.between(0, 7)
  disk.damage(path, offset, (bytes) => void (bytes[0] = (bytes[0] ?? 0) ^ mask))
}

/** Whole sectors only, since a disk knows nothing else; their bytes come from elsewhere, or are zeros as once they were. */
const replaceSector = (
  disk: SimulatedDisk,
  { path, bytes, end }: Target,
  source: Uint8Array,
  random: SeededRandom
): boolean => {
  const sectors = Math.floor(end / sectorBytes)
  if (sectors === 0) return false
  const offset = random.between(0, sectors - 1) * sectorBytes
  const before = bytes.subarray(offset, offset + sectorBytes)
  if (before.every((byte, i) => byte === (source[i] ?? 0))) return false
  disk.damage(path, offset, (at) => {
    at.fill(0, 0, Math.min(sectorBytes, at.length))
    at.set(source.subarray(0, Math.min(sectorBytes, at.length)))
  })
  return true
}

/** Returns what was done, or null when there was nothing that may be damaged. */
export const inflictSectorFault = (disk: SimulatedDisk, directory: string, random: SeededRandom): FaultKind | null => {
  const found = targets(disk, directory).filter(({ end }) => end > segmentHeaderBytes + recordBytes(0))
  if (found.length === 0) return null
  const target = random.pick(found)
  const kind = random.pick(kinds)
  switch (kind) {
    case "bit flip":
      flipBit(disk, target, random)
      return kind
    case "stale sector":
      return replaceSector(disk, target, new Uint8Array(0), random) ? kind : null
    case "misdirected sector": {
      const other = random.pick(found)
      const start = random.between(0, Math.max(0, Math.floor(other.bytes.length / sectorBytes) - 1)) * sectorBytes
      const source = other.bytes.slice(start, start + sectorBytes)
      return replaceSector(disk, target, source, random) ? kind : null
    }
  }
}
