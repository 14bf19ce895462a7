/**
 * For programs outside the cluster: commands that are executed once, linearizable reads and changes of members, whichever
 * node leads and whatever happens to it meanwhile.
 *
 * Many calls share one connection. A call that is not answered is made again, with the same session and serial, through
 * whichever node, until its deadline: so a command is executed at most once (thesis 6.3). It speaks by callbacks, for
 * those who make many thousand calls a second; `Client.ts` is the same as effects.
 */
import type { Configuration, Index, NodeId } from "../core/Types.ts"
import type { Answer, Call } from "../transport/Call.ts"
import type { Connector } from "../transport/Caller.ts"
import { type Environment, systemEnvironment } from "../transport/Environment.ts"
import type { Address } from "../transport/Transport.ts"
import { CallTable } from "./CallTable.ts"
import { ClientSession } from "./ClientSession.ts"
import type { CallFailure } from "./Verdict.ts"

export interface RaftClientOptions {
  /** Of the nodes of the cluster. One that answers is enough; only those that are named here are asked. */
  readonly addresses: ReadonlyArray<Address>
  readonly connector: Connector
  readonly environment?: Environment
  /** Of calls that say nothing else. */
  readonly timeoutMillis: number
}

/** Called once, unless the call is given up before. */
export type Reply<A> = (outcome: { readonly _tag: "Done"; readonly value: A } | CallFailure) => void

/** Gives a call up: nobody waits for the outcome any more. It may happen all the same. */
export type GiveUp = () => void

export interface Applied {
  readonly index: Index
  readonly result: Uint8Array
}
export interface Answered {
  readonly index: Index
  readonly data: Uint8Array
}
export interface Described {
  readonly leader: NodeId | null
  readonly configuration: Configuration
  /** Names the configuration for `changeMembers`. */
  readonly configurationIndex: Index
}
export interface MemberChange {
  readonly voters: ReadonlyArray<NodeId>
  readonly learners: ReadonlyArray<NodeId>
  /** Of the configuration that it replaces; `null`: whatever is in effect. */
  readonly expectedIndex: Index | null
}

export class RaftClient {
  private readonly timeoutMillis: number
  private readonly calls: CallTable
  private session: ClientSession | null = null
  private isOpening = false

  constructor(options: RaftClientOptions) {
    this.timeoutMillis = options.timeoutMillis
    this.calls = new CallTable({ ...options, environment: options.environment ?? systemEnvironment })
  }

  /** Why nobody answers, for people. */
  get problem(): string {
    return this.calls.problem
  }

  /** Executed once, or `Refused` and never; only `Unknown` leaves it open. `data` must not change meanwhile. */
  propose(data: Uint8Array, reply: Reply<Applied>, timeoutMillis = this.timeoutMillis): GiveUp {
    let place: { readonly session: ClientSession; readonly serial: number } | null = null
    const leave = (): void => {
      place?.session.end(place.serial)
      place = null
    }
    const make = (): Call | null => {
      if (place === null) {
        const session = this.session ?? this.openSession()
        if (session === null) return null
        place = { session, serial: session.begin() }
      }
      const { serial, session } = place
      return { _tag: "Propose", session: session.id, serial, acknowledged: session.acknowledged, data }
    }
    const expired = (): void => {
      if (this.session === place?.session) this.session = null
      leave()
    }
    const giveUp = this.calls.begin({
      timeoutMillis,
      bytes: data.length,
      isRepeatable: true,
      make,
      renew: expired,
      answered: (answer) => {
        leave()
        if (answer._tag === "Applied") reply({ _tag: "Done", value: answer })
        else reply(wrongAnswer)
      },
      failed: (failure) => {
        if (failure.reason === "SessionExpired") expired()
        else leave()
        reply(failure)
      }
    })
    return () => {
      giveUp()
      leave()
    }
  }

  /** A linearizable read: the answer is as new as this call, or newer. */
  query(data: Uint8Array, reply: Reply<Answered>, timeoutMillis = this.timeoutMillis): GiveUp {
    return this.ask({ _tag: "Query", data }, "Answered", data.length, true, timeoutMillis, reply)
  }

  /** Replaces the members. It is not repeated when its outcome is not known: ask `describe` then. */
  changeMembers(
    change: MemberChange,
    reply: Reply<{ readonly index: Index }>,
    timeoutMillis = this.timeoutMillis
  ): GiveUp {
    return this.ask({ _tag: "ChangeMembers", ...change }, "Changed", 0, false, timeoutMillis, reply)
  }

  /** What some node knows about the members; it may be a little old. */
  describe(reply: Reply<Described>, timeoutMillis = this.timeoutMillis): GiveUp {
    return this.ask({ _tag: "Describe" }, "Described", 0, true, timeoutMillis, reply)
  }

  /** Ends every connection; what waits fails. */
  close(): void {
    this.calls.close()
  }

  private ask<Tag extends Answer["_tag"]>(
    call: Call,
    tag: Tag,
    bytes: number,
    isRepeatable: boolean,
    timeoutMillis: number,
    reply: Reply<Extract<Answer, { readonly _tag: Tag }>>
  ): GiveUp {
    return this.calls.begin({
      timeoutMillis,
      bytes,
      isRepeatable,
      make: () => call,
      renew: () => undefined,
      answered: (answer) => reply(isTagged(answer, tag) ? { _tag: "Done", value: answer } : wrongAnswer),
      failed: reply
    })
  }

  /** Proposals that need it ask again when it is there. */
  private openSession(): null {
    if (this.isOpening) return null
    this.isOpening = true
    this.ask({ _tag: "OpenSession" }, "Opened", 0, true, this.timeoutMillis, (outcome) => {
      this.isOpening = false
      if (outcome._tag !== "Done") return
      this.session = new ClientSession(outcome.value.session)
      this.calls.attemptWaiting()
    })
    return null
  }
}

const isTagged = <Tag extends Answer["_tag"]>(
  answer: Answer,
  tag: Tag
): answer is Extract<Answer, { readonly _tag: Tag }> => answer._tag === tag

const wrongAnswer: CallFailure = { _tag: "Unknown", reason: "WrongAnswer" }
