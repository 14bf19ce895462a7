/**
 * Clients of one node of a scenario: production's proposals, so that they are told what production tells them. A command
 * goes by its client and serial, as in `c1.2`.
 */
import type { Context, Entry } from "../../core/Types.ts"
import type { Leadership } from "../../node/Attempts.ts"
import type { Failure, Outcome } from "../../node/HostMessage.ts"
import type { Asker, Proposal } from "../../node/Proposal.ts"
import { Proposals } from "../../node/Proposals.ts"
import type { SessionId } from "../../node/Sessions.ts"

export interface DeskPorts {
  readonly electionTicks: number
  readonly propose: (context: Context, data: ReadonlyArray<Uint8Array>) => void
  readonly leadership: () => Leadership
  readonly later: (action: () => void) => void
  readonly unique: () => string
  readonly say: (line: string) => void
}

/** A command of a client, and for how many ticks it waits for the answer. */
export interface ClientCommand {
  readonly name: string
  readonly session: SessionId
  readonly serial: number
  readonly acknowledged: number
  readonly data: Uint8Array
  readonly patienceTicks: number
}

interface Waiting {
  readonly name: string
  /** What an answer is for. */
  readonly answered: (result: Uint8Array, entry: Entry) => void
}

const decoder = new TextDecoder()

export class ClientDesk {
  private readonly proposals: Proposals
  private readonly say: (line: string) => void
  private readonly waiting: Array<Waiting> = []
  private ticks = 0

  constructor({ electionTicks, say, ...ports }: DeskPorts) {
    this.say = say
    this.proposals = new Proposals(electionTicks, { ...ports, fail: (asker, failure) => this.fail(asker, failure) })
  }

  /** `opened` is told the session, which is the index of its entry. */
  open(name: string, patienceTicks: number, opened: (session: SessionId) => void): void {
    const answered = (_: Uint8Array, { index }: Entry): void => {
      opened(index)
      this.say(`tells ${name} that its session is ${index}`)
    }
    this.proposals.addSession(this.asker({ name, answered }), this.ticks + patienceTicks)
  }

  /** `acknowledged` is told when the client has the answer. */
  ask({ name, patienceTicks, ...command }: ClientCommand, acknowledged: () => void): void {
    const answered = (result: Uint8Array): void => {
      acknowledged()
      this.say(`answers ${name}: ${decoder.decode(result)}`)
    }
    this.proposals.addCommand(this.asker({ name, answered }), command, this.ticks + patienceTicks)
  }

  accepted(context: Context): void {
    this.proposals.accepted(context)
  }

  refused(...[context, reason, leader]: Parameters<Proposals["refused"]>): void {
    this.proposals.refused(context, reason, leader)
  }

  leadershipChanged(): void {
    this.proposals.leadershipChanged()
  }

  /** A snapshot took the place of entries. */
  skipped(): void {
    this.proposals.skipped()
  }

  tick(): void {
    this.ticks += 1
    this.proposals.tick()
    this.proposals.expire(this.ticks)
  }

  /** Whoever waits for this entry. */
  committed(entry: Entry): Proposal | null {
    return this.proposals.committed(entry)
  }

  applied(proposal: Proposal, entry: Entry, outcome: Outcome): void {
    if (outcome._tag !== "Applied") this.proposals.rejected(proposal, outcome)
    else for (const { id } of proposal.askers) this.waiting[id]?.answered(outcome.result, entry)
  }

  private asker(waiting: Waiting): Asker {
    return { to: "call", id: this.waiting.push(waiting) - 1 }
  }

  private fail({ id }: Asker, failure: Failure): void {
    const name = this.waiting[id]?.name ?? "nobody"
    if (failure._tag === "Unknown") this.say(`does not know what became of ${name}: ${failure.reason}`)
    else this.say(`refuses ${name}: ${failure.reason}${failure.leader === null ? "" : ` leader=${failure.leader}`}`)
  }
}
