/** What fibers of this thread asked the Raft thread for and have no reply to. */
import type { Index } from "../../core/Types.ts"
import { Limits } from "../../Limits.ts"
import type { Failure, RequestId } from "../HostMessage.ts"

/** How what the host asks for ends. */
export type Reply<A> = (outcome: { readonly _tag: "Done"; readonly value: A } | Failure) => void

export interface Proposed {
  readonly index: Index
  readonly result: Uint8Array
}

export type Request =
  | { readonly kind: "propose"; readonly reply: Reply<Proposed> }
  | { readonly kind: "read" | "changeMembers"; readonly reply: Reply<Index> }

const full: Failure = { _tag: "Refused", reason: "TooMuchUncommitted", leader: null }
const refusedByStop: Failure = { _tag: "Refused", reason: "Stopped", leader: null }
const unknownByStop: Failure = { _tag: "Unknown", reason: "Stopped" }

export class Requests {
  private readonly open = new Map<RequestId, Request>()
  private last: RequestId = 0
  private isStopped = false

  /** `null`: refused, and the asker knows. Else the Raft thread is to be asked under this number. */
  add(request: Request): RequestId | null {
    if (this.isStopped || this.open.size >= Limits.host.requestsMax) {
      request.reply(this.isStopped ? refusedByStop : full)
      return null
    }
    this.last += 1
    this.open.set(this.last, request)
    return this.last
  }

  proposed(id: RequestId, value: Proposed): void {
    const request = this.take(id)
    if (request?.kind === "propose") request.reply({ _tag: "Done", value })
  }

  done(id: RequestId, value: Index): void {
    const request = this.take(id)
    if (request !== undefined && request.kind !== "propose") request.reply({ _tag: "Done", value })
  }

  failed(id: RequestId, failure: Failure): void {
    this.take(id)?.reply(failure)
  }

  /** A read that nobody answers did nothing; anything else may have happened. */
  stop(): void {
    this.isStopped = true
    const requests = [...this.open.values()]
    this.open.clear()
    for (const { kind, reply } of requests) reply(kind === "read" ? refusedByStop : unknownByStop)
  }

  private take(id: RequestId): Request | undefined {
    const request = this.open.get(id)
    this.open.delete(id)
    return request
  }
}
