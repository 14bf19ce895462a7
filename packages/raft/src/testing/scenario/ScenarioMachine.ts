/**
 * The state machine of scenarios: the texts that were executed, in their order, the index of the last entry, and sessions
 * as production keeps them. A text that begins with `term=3` is the decision of a leader of term 3 and executed only in an
 * entry of that term; one with `&` is several texts, of which an entry executes all or none.
 */
import type { Entry, Index, Term } from "../../core/Types.ts"
import { decodeEnvelope } from "../../node/Envelope.ts"
import { BatchPlan } from "../../node/host/BatchPlan.ts"
import type { Outcome } from "../../node/HostMessage.ts"
import { Sessions } from "../../node/Sessions.ts"
import type { SessionLimits, SessionRow } from "../../node/Sessions.ts"
import type { Command } from "../../node/StateMachine.ts"
import type { Executed } from "./Feed.ts"
import { SessionTable } from "../machine/SessionTable.ts"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What a snapshot holds. */
interface Image {
  readonly applied: Index
  readonly texts: ReadonlyArray<string>
  /** Absent when there is none. */
  readonly sessions?: ReadonlyArray<SessionImage>
}

interface SessionImage extends Omit<SessionRow, "answers"> {
  readonly answers: ReadonlyArray<{ readonly serial: number; readonly result: string | null }>
}

export interface Applied {
  readonly executed: ReadonlyArray<Executed>
  readonly outcome: (index: Index) => Outcome
}

const isFenced = (text: string, term: Term): boolean => {
  const [, fence] = /^term=(\d+) /.exec(text) ?? []
  return fence !== undefined && Number(fence) !== term
}

export class ScenarioMachine {
  applied: Index
  readonly texts: Array<string>
  private readonly table: SessionTable
  private readonly sessions: Sessions
  private readonly executed: Array<Executed> = []

  private constructor({ applied, texts, sessions = [] }: Image, limits: SessionLimits) {
    const rows = sessions.map(({ answers, ...row }) => ({
      ...row,
      answers: answers.map(({ serial, result }) => ({
        serial,
        result: result === null ? null : encoder.encode(result)
      }))
    }))
    this.applied = applied
    this.texts = [...texts]
    this.table = new SessionTable(rows)
    this.sessions = new Sessions(rows, limits)
  }

  static restore(image: Uint8Array | null, limits: SessionLimits): ScenarioMachine {
    const empty: Image = { applied: 0, texts: [] }
    return new ScenarioMachine(image === null ? empty : (JSON.parse(decoder.decode(image)) as Image), limits)
  }

  image(): Uint8Array {
    const { applied, texts } = this
    const sessions = this.sessionImages()
    return encoder.encode(JSON.stringify(sessions.length === 0 ? { applied, texts } : { applied, texts, sessions }))
  }

  /** What there is, in words. */
  get content(): string {
    return this.texts.join(", ") || "nothing"
  }

  /** Also says what whoever proposed an entry of a session is told. */
  apply(entries: ReadonlyArray<Entry>): Applied {
    const plan = new BatchPlan(this.sessions, entries)
    const commands = new Map(plan.commands.map((command) => [command.index, command]))
    const results: Array<Uint8Array> = []
    for (const entry of entries) {
      const command = commands.get(entry.index)
      if (command !== undefined) results.push(encoder.encode(this.execute(command)))
      else if (entry.kind === "Command" && decodeEnvelope(entry.data) === null) this.execute(entry)
      this.applied = entry.index
    }
    this.table.apply(this.sessions.settle(results))
    return { executed: this.executed.splice(0), outcome: (index) => plan.outcome(index, results) }
  }

  describeSessions(): string {
    const rows = this.table.rows().map(({ session, answers }) => {
      const kept = answers.map(({ serial, result }) => `${serial}=${result === null ? "-" : decoder.decode(result)}`)
      return `${session} (${kept.join(", ") || "no answers"})`
    })
    return rows.join(", ") || "none"
  }

  private execute({ data, index, term }: Omit<Command, "millis">): string {
    const text = decoder.decode(data)
    if (isFenced(text, term)) return "fenced"
    this.executed.push({ index, text })
    return `text ${this.texts.push(...text.split("&"))}`
  }

  private sessionImages(): ReadonlyArray<SessionImage> {
    return this.table.rows().map(({ answers, ...row }) => ({
      ...row,
      answers: answers.map(({ serial, result }) => ({
        serial,
        result: result === null ? null : decoder.decode(result)
      }))
    }))
  }
}
