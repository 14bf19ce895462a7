/** What a node needs around it. */
import type { Input } from "../core/Input.ts"
import type { Message } from "../core/Message.ts"
import type { Ready } from "../core/Ready.ts"
import type { Recovered, State } from "../core/State.ts"
import type { HostRequest } from "./HostMessage.ts"
import type { NodeStorage } from "./NodeStorage.ts"

export interface ReplicaPorts {
  readonly storage: NodeStorage
  readonly send: (message: Message) => void
  readonly host: (request: HostRequest) => void
  /** Of a clock that never goes back. */
  readonly nowMillis: () => number
  /** Since 1970, whole, of a clock that is set and may jump: for commands, and for nothing that waits. */
  readonly wallMillis: () => number
  /** Runs `action` once what arrives in this turn of the event loop has arrived: proposals gather meanwhile. */
  readonly later: (action: () => void) => void
  /** The node cannot go on; called once, and nothing is sent afterwards. The process has to end. */
  readonly stopped: (failure: Error) => void
  /** Sees every step before anything of it is carried out; for simulation and metrics. */
  readonly observe: (before: State, input: Input, after: State, ready: Ready) => void
}

/** What is recovered from storage and from the state machine, without what the options say. `seed` differs in every run. */
export type Start = Pick<Recovered, "seed" | "hardState" | "snapshot" | "base" | "entries" | "applied">
