/** Calls that wait for their answers: made, made again, and given up at their deadlines. */
import { backoffMillis } from "@nxmesh/core/policy/Backoff"
import { Limits } from "../Limits.ts"
import type { Answer, Call, Failure } from "../transport/Call.ts"
import type { Environment } from "../transport/Environment.ts"
import { type NodeLink, NodeLinks, type NodeLinksOptions } from "./NodeLinks.ts"
import { type CallFailure, verdictOn } from "./Verdict.ts"

const { attemptMillis, attemptMillisMax, callBytesMax, callsMax, retry, tickMillis } = Limits.client

export interface NewCall {
  readonly timeoutMillis: number
  readonly bytes: number
  /** Whether a second attempt is harmless while the first may have been carried out. */
  readonly isRepeatable: boolean
  /** For each attempt; `null`: it cannot be made yet. */
  readonly make: () => Call | null
  /** The session is gone and nothing was executed: the next attempt is in another one. */
  readonly renew: () => void
  /** One of these two is called, once. */
  readonly answered: (answer: Answer) => void
  readonly failed: (failure: CallFailure) => void
}

interface Pending {
  readonly request: NewCall
  readonly deadlineMillis: number
  /** When something has to be done about it. */
  dueMillis: number
  attempts: number
  /** Attempts that were neither answered nor lost. */
  open: number
  mayHaveHappened: boolean
  refusal: Failure | null
  last: NodeLink | null
}

export class CallTable {
  private readonly environment: Environment
  private readonly links: NodeLinks
  private readonly pending = new Map<number, Pending>()
  private bytes = 0
  private numbers = 0
  private isTicking = false
  private isClosed = false

  constructor(options: NodeLinksOptions) {
    this.environment = options.environment
    this.links = new NodeLinks(options, () => ++this.numbers, {
      ready: () => this.attemptWaiting(),
      answered: (number, answer) => this.hear(number, answer),
      lost: (link) => this.lose(link)
    })
  }

  /** Why nobody answers, for people. */
  get problem(): string {
    return this.links.problem
  }

  /** Returns what gives it up: nothing is told any more. */
  begin(request: NewCall): () => void {
    if (this.isClosed || this.pending.size >= callsMax || this.bytes + request.bytes > callBytesMax) {
      request.failed({ _tag: "Refused", reason: this.isClosed ? "Closed" : "TooManyCalls", leader: null })
      return () => undefined
    }
    const number = ++this.numbers
    const nowMillis = this.environment.nowMillis()
    const call: Pending = {
      request,
      deadlineMillis: nowMillis + request.timeoutMillis,
      dueMillis: nowMillis,
      attempts: 0,
      open: 0,
      mayHaveHappened: false,
      refusal: null,
      last: null
    }
    this.pending.set(number, call)
    this.bytes += request.bytes
    this.attempt(number, call, nowMillis)
    if (!this.isTicking) this.tickLater()
    return () => this.remove(number, call)
  }

  /** Something that calls waited for is there. */
  attemptWaiting(): void {
    const nowMillis = this.environment.nowMillis()
    for (const [number, call] of this.pending) if (call.attempts === 0) this.attempt(number, call, nowMillis)
  }

  close(): void {
    this.isClosed = true
    this.links.close()
    for (const [number, call] of this.pending) {
      const failure = { _tag: "Refused", reason: "Closed", leader: null } as const
      this.fail(number, call, isUncertain(call) ? { _tag: "Unknown", reason: "Stopped" } : failure)
    }
  }

  private attempt(number: number, call: Pending, nowMillis: number): void {
    call.dueMillis = nowMillis + tickMillis
    const link = this.links.pick(call.last)
    const made = link === null ? null : call.request.make()
    if (link === null || made === null) return
    call.last = link
    call.open++
    call.dueMillis = nowMillis + Math.min(attemptMillis * 2 ** call.attempts++, attemptMillisMax)
    link.call(number, made)
  }

  private hear(number: number, answer: Answer): void {
    const call = this.pending.get(number)
    // A late answer to a call that has another one, or was given up.
    if (call === undefined) return
    if (answer._tag === "Failed") return this.refused(number, call, answer.failure)
    this.remove(number, call)
    call.request.answered(answer)
  }

  private refused(number: number, call: Pending, failure: Failure): void {
    call.open = Math.max(0, call.open - 1)
    if (failure._tag === "Unknown") call.mayHaveHappened = true
    else {
      call.refusal = failure
      this.links.hint(failure.leader)
    }
    const { isRepeatable } = call.request
    const verdict = verdictOn(failure, { isRepeatable, mayHaveHappened: isUncertain(call) })
    if (verdict._tag === "Fail") return this.fail(number, call, verdict.failure)
    if (verdict._tag === "Renew") call.request.renew()
    // While another attempt is open its answer is waited for.
    if (call.open > 0) return
    const { environment } = this
    call.dueMillis = environment.nowMillis() + backoffMillis(retry, call.attempts - 1, environment.random())
  }

  private lose(link: NodeLink): void {
    const nowMillis = this.environment.nowMillis()
    for (const [number, call] of this.pending) {
      if (call.last !== link || call.open === 0) continue
      call.open = 0
      call.mayHaveHappened = true
      if (call.request.isRepeatable) this.attempt(number, call, nowMillis)
      else this.fail(number, call, { _tag: "Unknown", reason: "TimedOut" })
    }
  }

  private tickLater(): void {
    this.isTicking = true
    this.environment.after(tickMillis, () => this.tick())
  }

  private tick(): void {
    this.isTicking = false
    const nowMillis = this.environment.nowMillis()
    for (const [number, call] of this.pending) {
      if (nowMillis >= call.deadlineMillis) this.expire(number, call)
      else if (nowMillis >= call.dueMillis && (call.open === 0 || call.request.isRepeatable)) {
        this.attempt(number, call, nowMillis)
      }
    }
    if (this.pending.size > 0) this.tickLater()
  }

  private expire(number: number, call: Pending): void {
    if (isUncertain(call)) return this.fail(number, call, { _tag: "Unknown", reason: "TimedOut" })
    this.fail(number, call, call.refusal ?? { _tag: "Refused", reason: "Unreachable", leader: null })
  }

  private fail(number: number, call: Pending, failure: CallFailure): void {
    this.remove(number, call)
    call.request.failed(failure)
  }

  private remove(number: number, call: Pending): void {
    if (this.pending.delete(number)) this.bytes -= call.request.bytes
  }
}

const isUncertain = ({ mayHaveHappened, open }: Pending): boolean => mayHaveHappened || open > 0
