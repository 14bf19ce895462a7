/**
 * Feeds inputs to the core and carries out what each step asks for, in the order that `Ready` demands: persist before send.
 * What a disk, a network or a state machine is, its owner says; so one loop serves simulation and scenarios.
 */

import type { Input } from "../core/Input.ts"
import type { Message } from "../core/Message.ts"
import type { Accepted, Append, ReadConfirmed, Ready, Refused, SnapshotRead, SnapshotWrite } from "../core/Ready.ts"
import type { State } from "../core/State.ts"
import { step } from "../core/Step.ts"
import type { Entry, Snapshot } from "../core/Types.ts"

/** What a driver works on. None of these calls back into the driver before it returns; answers come through `feed`. */
export interface DriverPorts {
  /** `done` is called once this append and all earlier ones are durable. */
  readonly write: (append: Append, done: () => void) => void
  /** Best effort. */
  readonly send: (message: Message) => void
  /** Answered by `Applied`. */
  readonly apply: (entries: ReadonlyArray<Entry>) => void
  readonly readSnapshot: (read: SnapshotRead) => void
  /** Answered by `SnapshotStored`. */
  readonly writeSnapshot: (write: SnapshotWrite) => void
  /** Answered by `SnapshotInstalled` or `SnapshotRefused`. */
  readonly installSnapshot: (snapshot: Snapshot) => void
  readonly confirmRead: (read: ReadConfirmed) => void
  readonly accept: (accepted: Accepted) => void
  readonly refuse: (refused: Refused) => void
  /** Sees every step before anything of it is carried out. */
  readonly observe: (before: State, input: Input, after: State, ready: Ready) => void
}

export class Driver {
  private readonly ports: DriverPorts
  private readonly inputs: Array<Input> = []
  private isStepping = false
  /** Messages that wait for the appends before them: the last is that of the newest append not yet durable. */
  private readonly waiting: Array<{ readonly sequence: number; readonly messages: Array<Message> }> = []
  state: State

  constructor(state: State, ports: DriverPorts) {
    this.state = state
    this.ports = ports
  }

  feed(input: Input): void {
    this.inputs.push(input)
    if (this.isStepping) return
    this.isStepping = true
    for (let next = this.inputs.shift(); next !== undefined; next = this.inputs.shift()) this.step(next)
    this.isStepping = false
  }

  private step(input: Input): void {
    const before = this.state
    const [after, ready] = step(before, input)
    this.state = after
    const { ports } = this
    ports.observe(before, input, after, ready)
    for (const message of ready.messages) ports.send(message)
    this.persist(ready)
    if (ready.committed.length > 0) ports.apply(ready.committed)
    for (const read of ready.snapshotReads) ports.readSnapshot(read)
    if (ready.snapshotWrite !== null) ports.writeSnapshot(ready.snapshotWrite)
    if (ready.snapshotInstall !== null) ports.installSnapshot(ready.snapshotInstall)
    for (const accepted of ready.accepted) ports.accept(accepted)
    for (const refused of ready.dropped) ports.refuse(refused)
    for (const read of ready.reads) ports.confirmRead(read)
  }

  private persist({ append, messagesAfterPersist }: Ready): void {
    if (append !== null) {
      const { sequence } = append
      this.waiting.push({ sequence, messages: [...messagesAfterPersist] })
      this.ports.write(append, () => this.persisted(sequence))
      return
    }
    const last = this.waiting.at(-1)
    if (last !== undefined) last.messages.push(...messagesAfterPersist)
    else for (const message of messagesAfterPersist) this.ports.send(message)
  }

  private persisted(sequence: number): void {
    const count = this.waiting.findIndex((waiting) => waiting.sequence > sequence)
    const released = this.waiting.splice(0, count === -1 ? this.waiting.length : count)
    for (const { messages } of released) for (const message of messages) this.ports.send(message)
    this.feed({ _tag: "Persisted", sequence })
  }
}
