/**
 * The key-value state machine in memory, for the simulator and for tests. Nothing in it is durable: what a crash leaves,
 * its owner says, by keeping an `image` and making a new one from it.
 */
import { Effect } from "effect"
import type { Index } from "../../core/Types.ts"
import type { SessionRow } from "../../node/Sessions.ts"
import type { Batch, MachineState, SnapshotImage, StateMachine } from "../../node/StateMachine.ts"
import { crc32c } from "../../storage/Crc32c.ts"
import { answer, execute } from "./Registers.ts"
import type { Registers } from "./Registers.ts"
import { SessionTable } from "./SessionTable.ts"

interface Image {
  readonly applied: Index
  readonly digest: number
  /** By key; values in base64. */
  readonly values: ReadonlyArray<readonly [key: string, value: string]>
  readonly sessions: ReadonlyArray<Omit<SessionRow, "answers"> & { readonly answers: ReadonlyArray<StoredAnswer> }>
}

type StoredAnswer = readonly [serial: number, result: string | null]

const chunkBytes = 65_536
const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64")
const decode = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"))

export class MemoryKeyValue implements StateMachine {
  private values = new Map<string, Uint8Array>()
  private sessions = new SessionTable()
  private applied: Index = 0
  private history = 0
  private readonly registers: Registers = {
    get: (key) => this.values.get(key) ?? null,
    set: (key, value) => void this.values.set(key, value.slice()),
    remove: (key) => void this.values.delete(key)
  }

  /** From what `image` returned; empty without. */
  constructor(image?: Uint8Array) {
    if (image !== undefined) this.become(image)
  }

  /** Of every command that was executed and every result, in their order: equal on replicas that did the same. */
  get digest(): number {
    return this.history
  }

  load(): MachineState {
    return { applied: this.applied, sessions: this.sessions.rows() }
  }

  apply({ commands, last, sessionChanges }: Batch): ReadonlyArray<Uint8Array> {
    const results = commands.map(({ data, index, term }) => {
      const result = execute(this.registers, data)
      this.fold(Uint8Array.from(Buffer.from(`${index} ${term} `)))
      this.fold(data)
      this.fold(result)
      return result
    })
    this.sessions.apply(sessionChanges(results))
    this.applied = last.index
    return results
  }

  query(question: Uint8Array): Uint8Array {
    return answer(this.registers, question)
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
    })
  }

  /** The whole state. Equal for equal states. */
  image(): Uint8Array {
    const image: Image = {
      applied: this.applied,
      digest: this.history,
      values: [...this.values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, encode(value)]),
      sessions: this.sessions.rows().map((row) => ({
        ...row,
        answers: row.answers.map(({ result, serial }) => [serial, result === null ? null : encode(result)])
      }))
    }
    return Uint8Array.from(Buffer.from(JSON.stringify(image)))
  }

  private become(bytes: Uint8Array): void {
    const { applied, digest, sessions, values } = JSON.parse(Buffer.from(bytes).toString()) as Image
    this.applied = applied
    this.history = digest
    this.values = new Map(values.map(([key, value]) => [key, decode(value)]))
    this.sessions = new SessionTable(
      sessions.map((row) => ({
        ...row,
        answers: row.answers.map(([serial, result]) => ({ serial, result: result === null ? null : decode(result) }))
      }))
    )
  }

  private fold(bytes: Uint8Array): void {
    this.history = crc32c(bytes, 0, bytes.length, this.history)
  }
}
