/** What the simulated clients replicate: an operation, and the session and serial that make a retry recognisable (thesis 6.3). */

import type { KeyValueInput } from "../checker/KeyValue.ts"

export interface Command {
  readonly session: string
  /** Grows by one with each operation of the session; a retry repeats it. */
  readonly serial: number
  readonly input: KeyValueInput
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const encodeCommand = (command: Command): Uint8Array => encoder.encode(JSON.stringify(command))
export const decodeCommand = (data: Uint8Array): Command => JSON.parse(decoder.decode(data)) as Command
