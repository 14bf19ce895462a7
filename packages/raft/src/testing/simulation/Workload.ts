/** What a client of the simulation does: reads, writes with values of their own, and swaps of what it saw last. */

import type { KeyValueInput, KeyValueOutput } from "../checker/KeyValue.ts"
import { decodeResult } from "../machine/KeyValueCommand.ts"
import type { SeededRandom } from "../SeededRandom.ts"

export class Workload {
  private readonly name: string
  private readonly keys: number
  private readonly seen = new Map<string, string | null>()
  private written = 0

  constructor(name: string, keys: number) {
    this.name = name
    this.keys = keys
  }

  next(random: SeededRandom): KeyValueInput {
    const key = `k${random.between(1, this.keys)}`
    const value = `${this.name}-${++this.written}`
    if (random.chance(45)) return { kind: "get", key }
    if (random.chance(65)) return { kind: "put", key, value }
    return { kind: "cas", key, expected: this.seen.get(key) ?? null, value }
  }

  saw(input: KeyValueInput, output: KeyValueOutput): void {
    if (output.kind === "get") this.seen.set(input.key, output.value)
    if (input.kind !== "get") this.seen.set(input.key, input.value)
  }
}

/** Every write of a run has a value of its own, which names it; null for a read. */
export const writeOf = (input: KeyValueInput): string | null => (input.kind === "get" ? null : input.value)

/** What the state machine says of a command that was one. */
export const outputOf = (result: Uint8Array): KeyValueOutput => {
  const output = decodeResult(result)
  if (output.kind === "invalid" || output.kind === "delete") throw new Error(`nobody asked for this: ${output.kind}`)
  return output
}
