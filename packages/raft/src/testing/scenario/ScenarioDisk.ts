/**
 * The production storage on a simulated disk. Its writes become durable at once, or when the scenario says so; a crash
 * decides what is left of those that are not.
 */
import { join } from "node:path"
import type { DurableState } from "../../core/Invariants.ts"
import type { Append } from "../../core/Ready.ts"
import { initialHardState } from "../../core/State.ts"
import type { Index, NodeId, Snapshot, SnapshotMetadata, Term } from "../../core/Types.ts"
import { snapshotId } from "../../core/Types.ts"
import { DiskStorage } from "../../storage/DiskStorage.ts"
import { PowerCut, sectorBytes, SimulatedDisk } from "../../storage/file/SimulatedDisk.ts"
import type { Survival } from "../../storage/file/SimulatedDisk.ts"
import type { LogOptions } from "../../storage/log/SegmentedLog.ts"
import { segmentOf } from "../../storage/log/SegmentFormat.ts"
import { readRecovered } from "../../storage/RecoveredState.ts"
import type { RecoveredState } from "../../storage/RecoveredState.ts"
import type { SnapshotWriter } from "../../storage/snapshot/SnapshotStore.ts"
import type { RecoveryReport } from "../../storage/Storage.ts"
import { StorageError } from "../../storage/StorageError.ts"
import { describeSegment } from "./Description.ts"
import { FaultyDisk } from "./FaultyDisk.ts"

interface Waiting {
  readonly write: (storage: DiskStorage) => void
  readonly done: () => void
}

const encoder = new TextEncoder()
const nothingDurable: DurableState = { hardState: initialHardState, lastIndex: 0 }

export class ScenarioDisk {
  readonly directory: string
  readonly device = new SimulatedDisk()
  readonly files = new FaultyDisk(this.device)
  isHeld = false
  /** What a crash would leave. */
  durable: DurableState = nothingDurable
  private readonly options: LogOptions
  private storage: DiskStorage | null = null
  private waiting: Array<Waiting> = []
  private readonly remembered = new Map<string, Uint8Array>()
  private incoming: { readonly id: string; readonly writer: SnapshotWriter } | null = null

  constructor(id: NodeId, options: LogOptions) {
    this.directory = `/${id}`
    this.options = options
  }

  /** Throws what recovery says. */
  open(): { readonly recovered: RecoveredState; readonly report: RecoveryReport } {
    const storage = DiskStorage.open(this.files, this.directory, this.options)
    this.storage = storage
    this.isHeld = false
    this.noteDurable()
    return { recovered: readRecovered(storage), report: storage.report }
  }

  append({ hardState, truncateFrom, entries }: Append, done: () => void): void {
    this.perform({ write: (storage) => storage.append({ hardState, truncateFrom, entries }), done })
  }

  /** Makes the oldest writes durable, together. */
  sync(count = Number.POSITIVE_INFINITY): void {
    const batch = this.waiting.splice(0, count)
    if (batch.length === 0) return
    this.flush(batch)
    for (const { done } of batch) done()
  }

  /** Answers where the next chunk goes, as production does: further on when the file holds more of this snapshot. */
  writeChunk(snapshot: Snapshot, offset: number, data: Uint8Array, answer: (received: number) => void): void {
    const id = snapshotId(snapshot)
    let received = 0
    this.perform({
      write: ({ snapshots }) => {
        if (offset === 0 || this.incoming?.id !== id) {
          this.incoming = { id, writer: snapshots.receive(snapshot.metadata, snapshot) }
        }
        const { writer } = this.incoming
        if (writer.received === offset) writer.write(offset, data)
        received = writer.received
      },
      done: () => answer(received)
    })
  }

  /** Puts what was received in place of the log; or refuses it, when it is not what was sent. */
  install(done: () => void, refused: (reason: StorageError) => void): void {
    let problem: StorageError | null = null
    this.perform({
      write: (storage) => {
        try {
          this.incoming?.writer.finish()
          storage.restore()
        } catch (cause) {
          if (!(cause instanceof StorageError && cause.reason === "Transfer")) throw cause
          problem = cause
        }
        this.incoming = null
      },
      done: () => (problem === null ? done() : refused(problem))
    })
  }

  readSnapshot(snapshot: Snapshot, offset: number, bytesMax: number): Uint8Array | null {
    const { snapshots } = this.opened()
    const isThere = snapshots.latest !== null && snapshotId(snapshots.latest) === snapshotId(snapshot)
    return isThere ? snapshots.read(snapshot.metadata.index, offset, bytesMax) : null
  }

  /** All of the newest snapshot. */
  snapshotContent(): Uint8Array | null {
    const { snapshots } = this.opened()
    const { latest } = snapshots
    return latest === null ? null : snapshots.read(latest.metadata.index, 0, latest.bytes)
  }

  saveSnapshot(metadata: SnapshotMetadata, content: Uint8Array): Snapshot {
    const writer = this.opened().snapshots.receive(metadata, null)
    writer.write(0, content)
    return writer.finish()
  }

  compact(index: Index): void {
    if (index > 0) this.opened().compact(index)
  }

  /** The process is gone, the machine goes on. */
  stop(): void {
    this.forgetProcess()
    this.device.kill()
  }

  /** The power is gone. Returns how many writes had not been made durable; `survival` says what is left of them. */
  crash(survival: Survival): number {
    const { storage, waiting } = this
    if (survival.kind !== "none" && storage !== null && waiting.length > 0) this.writeUnflushed(waiting)
    this.forgetProcess()
    this.device.restart(survival)
    return waiting.length
  }

  /** Removes everything. */
  wipe(): void {
    for (const name of this.names()) this.remove(name)
    this.durable = nothingDurable
  }

  remove(part: string): void {
    this.device.remove(this.pathOf(part))
    this.device.syncDirectory()
  }

  /** A log of entries of these terms, as if the node had lived through them. */
  fill(terms: ReadonlyArray<Term>, term: Term): void {
    const storage = DiskStorage.open(this.files, this.directory, this.options)
    storage.append({
      hardState: { term, vote: null, commit: 0 },
      truncateFrom: null,
      entries: terms.map((term, i) => ({ kind: "Command", term, index: i + 1, data: encoder.encode(`t${term}`) }))
    })
    storage.close()
  }

  names(): ReadonlyArray<string> {
    return this.device.list(this.directory)
  }

  flip(file: string, offset: number): void {
    this.device.damage(this.pathOf(file), offset, (bytes) => void (bytes[0] = (bytes[0] ?? 0) ^ 1))
  }

  misdirect(file: string, from: number, to: number): void {
    this.putSector(file, to, this.sector(file, from))
  }

  remember(file: string, offset: number): void {
    this.remembered.set(`${file} ${offset}`, this.sector(file, offset))
  }

  recall(file: string, offset: number): void {
    const sector = this.remembered.get(`${file} ${offset}`)
    if (sector === undefined) throw new Error(`nothing is remembered of ${file} at ${offset}`)
    this.putSector(file, offset, sector)
  }

  records(): ReadonlyArray<string> {
    return this.names().flatMap((name) => {
      const segment = segmentOf(name)
      return segment === null ? [] : [describeSegment(name, segment, this.device.content(join(this.directory, name)))]
    })
  }

  /** The one file whose name has this part. */
  private pathOf(part: string): string {
    const names = this.names().filter((name) => name.includes(part))
    const [name] = names
    if (name === undefined || names.length > 1) throw new Error(`${part} is not one of ${this.names().join(", ")}`)
    return join(this.directory, name)
  }

  private sector(file: string, offset: number): Uint8Array {
    return this.device.content(this.pathOf(file)).slice(offset, offset + sectorBytes)
  }

  private putSector(file: string, offset: number, sector: Uint8Array): void {
    this.device.damage(this.pathOf(file), offset, (bytes) => bytes.set(sector))
  }

  private perform(operation: Waiting): void {
    this.waiting.push(operation)
    if (!this.isHeld) this.sync()
  }

  private flush(batch: ReadonlyArray<Waiting>): void {
    const storage = this.opened()
    for (const { write } of batch) write(storage)
    storage.sync()
    this.noteDurable()
  }

  /** Lets writes get as far as the file, and no flush confirm them. */
  private writeUnflushed(batch: ReadonlyArray<Waiting>): void {
    this.files.arm({ kind: "cut", operation: "sync", file: "", nth: 1 })
    try {
      this.flush(batch)
    } catch (cause) {
      if (!isPowerCut(cause)) throw cause
    }
  }

  private noteDurable(): void {
    const { hardState, lastIndex } = this.opened()
    this.durable = { hardState, lastIndex }
  }

  private opened(): DiskStorage {
    if (this.storage === null) throw new Error(`the storage in ${this.directory} is not open`)
    return this.storage
  }

  private forgetProcess(): void {
    this.storage = null
    this.waiting = []
    this.incoming = null
  }
}

/** The storage wraps whatever a system call throws. */
export const isPowerCut = (cause: unknown): boolean =>
  cause instanceof PowerCut || (cause instanceof Error && cause.cause !== undefined && isPowerCut(cause.cause))
