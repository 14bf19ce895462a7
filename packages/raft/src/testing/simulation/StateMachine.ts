/**
 * The replicated state of the simulated cluster: registers by key, and the last answer given to each session so that a
 * command that arrives twice is applied once (thesis 6.3). A digest of everything applied shows whether two replicas agree.
 */

import type { Entry, Index } from "../../core/Types.ts"
import { keyValue } from "../checker/KeyValue.ts"
import type { KeyValueInput, KeyValueOutput } from "../checker/KeyValue.ts"
import { decodeCommand } from "./Command.ts"

interface Answered {
  readonly serial: number
  readonly output: KeyValueOutput
}

interface Image {
  readonly applied: Index
  readonly digest: number
  readonly values: ReadonlyArray<readonly [key: string, value: string]>
  readonly sessions: ReadonlyArray<readonly [session: string, answered: Answered]>
}

/** The outcome of one command, for the client that waits for it. */
export interface Applied {
  readonly session: string
  readonly serial: number
  readonly output: KeyValueOutput
  readonly isRepeated: boolean
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

export class StateMachine {
  private readonly values = new Map<string, string>()
  private readonly sessions = new Map<string, Answered>()
  applied: Index = 0
  digest = 0

  get(key: string): string | null {
    return this.values.get(key) ?? null
  }

  apply(entry: Entry): Applied | undefined {
    if (entry.index !== this.applied + 1) {
      throw new Error(`entry ${entry.index} was to be applied after entry ${this.applied}`)
    }
    this.applied = entry.index
    this.digest = Math.imul(this.digest ^ (entry.term * 31 + entry.index), 0x01000193)
    if (entry.kind !== "Command") return undefined
    this.fold(entry.data)
    const { session, serial, input } = decodeCommand(entry.data)
    const answered = this.sessions.get(session)
    if (answered !== undefined && answered.serial >= serial) {
      this.fold(encoder.encode(JSON.stringify(answered)))
      return { session, serial: answered.serial, output: answered.output, isRepeated: true }
    }
    const before = this.get(input.key)
    const output = outputOf(input, before)
    const after = keyValue.step(before, input, output)?.state ?? null
    if (after !== null) this.values.set(input.key, after)
    this.fold(encoder.encode(after ?? ""))
    this.sessions.set(session, { serial, output })
    return { session, serial, output, isRepeated: false }
  }

  private fold(bytes: Uint8Array): void {
    for (const byte of bytes) this.digest = Math.imul(this.digest ^ byte, 0x01000193)
  }

  image(): Uint8Array {
    const image: Image = {
      applied: this.applied,
      digest: this.digest,
      values: [...this.values],
      sessions: [...this.sessions]
    }
    return encoder.encode(JSON.stringify(image))
  }

  static restore(bytes: Uint8Array): StateMachine {
    const machine = new StateMachine()
    if (bytes.length === 0) return machine
    const image = JSON.parse(decoder.decode(bytes)) as Image
    machine.applied = image.applied
    machine.digest = image.digest
    for (const [key, value] of image.values) machine.values.set(key, value)
    for (const [session, answered] of image.sessions) machine.sessions.set(session, answered)
    return machine
  }
}
