/**
 * The key-value state machine in memory, for the simulator and for tests, as a database would keep it: registers, sessions
 * and the applied index, changed by transactions. Whoever stops in the middle of one finds nothing of it afterwards. What a
 * crash leaves, its owner says, by keeping an `image` and making a new one from it.
 */

import { Effect } from "effect"
import type { Index } from "../../core/Types.ts"
import type { SessionChanges, SessionRow } from "../../node/Sessions.ts"
import type { Batch, Command, MachineState, SnapshotImage, StateMachine } from "../../node/StateMachine.ts"
import { crc32c } from "../../storage/Crc32c.ts"
import { decodeCommand } from "./KeyValueCommand.ts"
import { answer, execute } from "./Registers.ts"
import type { Registers } from "./Registers.ts"
import { SessionTable } from "./SessionTable.ts"

/** Thrown between the steps of a transaction: the process ends here. */
export class CrashWhileApplying extends Error {
  override readonly message = "the process ends in the middle of a transaction"
}

export interface MachineWatcher {
  /** Between the steps of a transaction; may throw CrashWhileApplying. */
  readonly step: () => void
  /** A command that writes, named by its value: every write of a run has another. */
  readonly executed: (index: Index, write: string) => void
  readonly applied: (machine: MemoryKeyValue) => void
  readonly restored: (machine: MemoryKeyValue) => void
}

const unwatched: MachineWatcher = {
  step: () => undefined,
  executed: () => undefined,
  applied: () => undefined,
  restored: () => undefined
}

/** What a transaction has changed, until it is committed; `null`: removed. */
interface Transaction {
  readonly values: Map<string, Uint8Array | null>
  digest: number
}

interface Image {
  readonly applied: Index
  readonly digest: number
  /** By key; bytes as text, one character each. */
  readonly values: ReadonlyArray<readonly [key: string, value: string]>
  readonly sessions: ReadonlyArray<Omit<SessionRow, "answers"> & { readonly answers: ReadonlyArray<StoredAnswer> }>
}

type StoredAnswer = readonly [serial: number, result: string | null]

const chunkBytes = 65_536
const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"))

export class MemoryKeyValue implements StateMachine {
  private values = new Map<string, Uint8Array>()
  private sessions = new SessionTable()
  private readonly watcher: MachineWatcher
  applied: Index = 0
  /** Of everything that was executed, and of what came of it. */
  digest = 0

  /** From what `image` returned; empty without. */
  constructor(image: Uint8Array = new Uint8Array(), watcher: MachineWatcher = unwatched) {
    this.watcher = watcher
    if (image.length > 0) this.become(image)
  }

  load(): MachineState {
    return { applied: this.applied, sessions: this.sessions.rows() }
  }

  apply({ commands, last, sessionChanges }: Batch): ReadonlyArray<Uint8Array> {
    const transaction: Transaction = { values: new Map(), digest: this.digest }
    const results = commands.map((command) => {
      this.watcher.step()
      return this.execute(transaction, command)
    })
    const changes = sessionChanges(results)
    this.watcher.step()
    this.commit(transaction, changes, last.index)
    this.watcher.applied(this)
    return results
  }

  query(question: Uint8Array): Uint8Array {
    return answer(this.registers({ values: new Map(), digest: 0 }), question)
  }

  readonly snapshot: StateMachine["snapshot"] = Effect.sync(() => {
    const image = this.image()
    return {
      index: this.applied,
      bytes: image.length,
      read: (offset, bytesMax) => Effect.succeed(image.slice(offset, offset + bytesMax)),
      close: Effect.void
    }
  })

  restore(image: SnapshotImage): Effect.Effect<void, unknown> {
    return Effect.gen({ self: this }, function* () {
      const bytes = new Uint8Array(image.bytes)
      for (let at = 0; at < bytes.length;) {
        const data = yield* image.read(at, chunkBytes)
        bytes.set(data, at)
        at += data.length
      }
      this.become(bytes)
      this.watcher.restored(this)
    })
  }

  /** The whole state: equal for machines that agree. */
  image(): Uint8Array {
    const image: Image = {
      applied: this.applied,
      digest: this.digest,
      values: [...this.values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, textOf(value)]),
      sessions: this.sessions.rows().map((row) => ({
        ...row,
        answers: row.answers.map(({ result, serial }) => [serial, result === null ? null : textOf(result)])
      }))
    }
    return Uint8Array.from(Buffer.from(JSON.stringify(image)))
  }

  private execute(transaction: Transaction, { data, index, millis, term }: Command): Uint8Array {
    const result = execute(this.registers(transaction), data)
    transaction.digest = crc32c(
      data,
      0,
      data.length,
      transaction.digest ^ Math.imul(term, 31) ^ index ^ Math.imul(millis % 2 ** 31, 7)
    )
    transaction.digest = crc32c(result, 0, result.length, transaction.digest)
    const operation = decodeCommand(data)
    if (operation?.kind === "put" || operation?.kind === "cas") this.watcher.executed(index, textOf(operation.value))
    return result
  }

  private registers({ values }: Transaction): Registers {
    return {
      get: (key) => {
        const changed = values.get(key)
        return changed === undefined ? (this.values.get(key) ?? null) : changed
      },
      set: (key, value) => void values.set(key, value.slice()),
      remove: (key) => void values.set(key, null)
    }
  }

  private commit({ values, digest }: Transaction, changes: SessionChanges, index: Index): void {
    for (const [key, value] of values) {
      if (value === null) this.values.delete(key)
      else this.values.set(key, value)
    }
    this.digest = digest
    this.sessions.apply(changes)
    this.applied = index
  }

  private become(bytes: Uint8Array): void {
    const { applied, digest, sessions, values } = JSON.parse(Buffer.from(bytes).toString()) as Image
    this.applied = applied
    this.digest = digest
    this.values = new Map(values.map(([key, value]) => [key, bytesOf(value)]))
    this.sessions = new SessionTable(
      sessions.map((row) => ({
        ...row,
        answers: row.answers.map(([serial, result]) => ({ serial, result: result === null ? null : bytesOf(result) }))
      }))
    )
  }
}
