/**
 * The replicated state of the simulated cluster, as a database would keep it: registers by key, sessions and the applied
 * index, changed by transactions. A machine that stops in the middle of one finds nothing of it afterwards.
 */

import { Effect } from "effect"
import type { Index } from "../../core/Types.ts"
import type { SessionChanges, SessionId, SessionRow } from "../../node/Sessions.ts"
import type { Batch, Command, MachineState, SnapshotImage, StateMachine } from "../../node/StateMachine.ts"
import { keyValue } from "../checker/KeyValue.ts"
import type { KeyValueInput, KeyValueOutput } from "../checker/KeyValue.ts"
import { decodeInput, encodeOutput, writeOf } from "./Command.ts"

interface Session {
  lastUsed: Index
  acknowledged: number
  readonly answers: Map<number, Uint8Array | null>
}

interface Image {
  readonly applied: Index
  readonly digest: number
  readonly values: ReadonlyArray<readonly [key: string, value: string]>
  readonly sessions: ReadonlyArray<ImageSession>
}

interface ImageSession {
  readonly session: SessionId
  readonly lastUsed: Index
  readonly acknowledged: number
  readonly answers: ReadonlyArray<readonly [serial: number, result: ReadonlyArray<number> | null]>
}

/** What one transaction changes, until it is committed. */
interface Transaction {
  readonly values: Map<string, string>
  digest: number
}

/** Thrown between the steps of a transaction: the process ends here. */
export class CrashWhileApplying extends Error {
  override readonly message = "the process ends in the middle of a transaction"
}

export interface MachineWatcher {
  /** Between the steps of a transaction; may throw CrashWhileApplying. */
  readonly step: () => void
  readonly executed: (index: Index, write: string) => void
  readonly applied: (machine: SimulatedMachine) => void
  readonly restored: (machine: SimulatedMachine) => void
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const outputOf = (input: KeyValueInput, value: string | null): KeyValueOutput => {
  switch (input.kind) {
    case "put":
      return { kind: "put" }
    case "get":
      return { kind: "get", value }
    case "cas":
      return { kind: "cas", swapped: value === input.expected }
  }
}

const folded = (digest: number, bytes: Uint8Array): number => {
  let result = digest
  for (const byte of bytes) result = Math.imul(result ^ byte, 0x01000193)
  return result
}

export class SimulatedMachine implements StateMachine {
  private values = new Map<string, string>()
  private sessions = new Map<SessionId, Session>()
  private readonly watcher: MachineWatcher
  applied: Index = 0
  /** Of everything that was executed, and of what came of it. */
  digest = 0

  constructor(image: Uint8Array, watcher: MachineWatcher) {
    this.watcher = watcher
    if (image.length > 0) this.become(image)
  }

  load(): MachineState {
    return { applied: this.applied, sessions: [...this.sessions].map(([session, row]) => rowOf(session, row)) }
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
    const { key } = decodeInput(question)
    return encodeOutput({ kind: "get", value: this.values.get(key) ?? null })
  }

  readonly snapshot: Effect.Effect<SnapshotImage> = Effect.sync(() => {
    const bytes = this.image()
    return {
      index: this.applied,
      bytes: bytes.length,
      read: (offset: number, bytesMax: number) => Effect.sync(() => bytes.slice(offset, offset + bytesMax)),
      close: Effect.void
    }
  })

  restore(image: SnapshotImage): Effect.Effect<void, unknown> {
    const { watcher } = this
    const become = (bytes: Uint8Array): void => {
      this.become(bytes)
      watcher.restored(this)
    }
    return Effect.gen(function* () {
      const bytes = new Uint8Array(image.bytes)
      for (let offset = 0; offset < bytes.length;) {
        const chunk = yield* image.read(offset, bytes.length - offset)
        bytes.set(chunk, offset)
        offset += chunk.length
      }
      become(bytes)
    })
  }

  /** The whole state: equal for machines that agree. */
  image(): Uint8Array {
    const image: Image = {
      applied: this.applied,
      digest: this.digest,
      values: [...this.values].sort(([a], [b]) => (a < b ? -1 : 1)),
      sessions: [...this.sessions].sort(([a], [b]) => a - b).map(([session, row]) => imageOf(session, row))
    }
    return encoder.encode(JSON.stringify(image))
  }

  private execute(transaction: Transaction, command: Command): Uint8Array {
    const input = decodeInput(command.data)
    const before = transaction.values.get(input.key) ?? this.values.get(input.key) ?? null
    const output = outputOf(input, before)
    const after = keyValue.step(before, input, output)?.state ?? null
    if (after !== null && after !== before) transaction.values.set(input.key, after)
    const result = encodeOutput(output)
    transaction.digest = folded(folded(transaction.digest ^ command.index, command.data), result)
    const write = writeOf(input)
    if (write !== null) this.watcher.executed(command.index, write)
    return result
  }

  private commit({ values, digest }: Transaction, changes: SessionChanges, index: Index): void {
    for (const [key, value] of values) this.values.set(key, value)
    this.digest = digest
    this.changeSessions(changes)
    this.applied = index
  }

  private changeSessions({ expired, used, forgotten, answered }: SessionChanges): void {
    const { sessions } = this
    for (const session of expired) sessions.delete(session)
    for (const { session, lastUsed, acknowledged } of used) {
      sessions.set(session, { lastUsed, acknowledged, answers: sessions.get(session)?.answers ?? new Map() })
    }
    for (const { session, below } of forgotten) {
      const answers = sessions.get(session)?.answers
      for (const serial of answers?.keys() ?? []) if (serial < below) answers?.delete(serial)
    }
    for (const { session, serial, result } of answered) sessions.get(session)?.answers.set(serial, result)
  }

  private become(bytes: Uint8Array): void {
    const image = JSON.parse(decoder.decode(bytes)) as Image
    this.applied = image.applied
    this.digest = image.digest
    this.values = new Map(image.values)
    this.sessions = new Map(
      image.sessions.map(({ session, lastUsed, acknowledged, answers }) => [
        session,
        {
          lastUsed,
          acknowledged,
          answers: new Map(answers.map(([serial, result]) => [serial, result === null ? null : new Uint8Array(result)]))
        }
      ])
    )
  }
}

const rowOf = (session: SessionId, { lastUsed, acknowledged, answers }: Session): SessionRow => ({
  session,
  lastUsed,
  acknowledged,
  answers: [...answers].map(([serial, result]) => ({ serial, result }))
})

const imageOf = (session: SessionId, { lastUsed, acknowledged, answers }: Session): ImageSession => ({
  session,
  lastUsed,
  acknowledged,
  answers: [...answers]
    .sort(([a], [b]) => a - b)
    .map(([serial, result]) => [serial, result === null ? null : [...result]])
})
