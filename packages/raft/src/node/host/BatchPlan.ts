/** What committed entries ask of the state machine, and what whoever proposed them is told. */
import type { Entry, Index } from "../../core/Types.ts"
import { decodeEnvelope } from "../Envelope.ts"
import type { Outcome } from "../HostMessage.ts"
import type { Decision, Sessions } from "../Sessions.ts"
import type { Command } from "../StateMachine.ts"

/** What becomes of one entry. `None`: it is Raft's own, or no envelope. */
type Fate = Decision | { readonly _tag: "Open" } | { readonly _tag: "None" }

const opened: Fate = { _tag: "Open" }
const none: Fate = { _tag: "None" }
const empty = new Uint8Array(0)

export class BatchPlan {
  readonly commands: Array<Command> = []
  /** Entries that are no envelope. They do nothing, on every node. */
  undecodable = 0
  private readonly first: Index
  private readonly fates: Array<Fate> = []
  /** Where in `commands` each entry's is, if it has one. */
  private readonly places: Array<number> = []

  /** Decides on every entry, in their order. `entries` follow each other without a gap. */
  constructor(sessions: Sessions, entries: ReadonlyArray<Entry>) {
    this.first = entries[0]?.index ?? 0
    for (const entry of entries) {
      this.places.push(this.commands.length)
      this.fates.push(entry.kind === "Command" ? this.decide(sessions, entry) : none)
    }
  }

  /** Of the entry at `index`, once the commands are executed and the sessions settled. */
  outcome(index: Index, results: ReadonlyArray<Uint8Array>): Outcome {
    const position = index - this.first
    const fate = this.fates[position] ?? none
    switch (fate._tag) {
      case "Execute":
        return { _tag: "Applied", index, result: results[this.places[position] as number] as Uint8Array }
      case "Repeat":
        if (fate.answer.result === null) return { _tag: "AnswerForgotten", index }
        return { _tag: "Applied", index, result: fate.answer.result }
      case "Reject":
        return { _tag: fate.reason, index }
      case "Open":
        return { _tag: "Applied", index, result: empty }
      case "None":
        throw new Error(`somebody waits for entry ${index}, which is no command of a session`)
    }
  }

  private decide(sessions: Sessions, { data, index, term }: Entry & { readonly kind: "Command" }): Fate {
    const envelope = decodeEnvelope(data)
    if (envelope === null) {
      this.undecodable += 1
      return none
    }
    if (envelope.kind === "OpenSession") {
      sessions.open(index)
      return opened
    }
    const decision = sessions.decide(index, envelope)
    if (decision._tag === "Execute") this.commands.push({ index, term, millis: envelope.millis, data: envelope.data })
    return decision
  }
}
