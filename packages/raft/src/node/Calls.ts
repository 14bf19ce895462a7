/** Calls of clients that wait for their answer. Each is answered once; what comes later for it is dropped. */
import type { Answer } from "../transport/Call.ts"
import type { CallId, Failure } from "./HostMessage.ts"

export type Reply = (answer: Answer) => void

export class Calls {
  private readonly replies = new Map<CallId, Reply>()
  private opened = 0

  get size(): number {
    return this.replies.size
  }

  open(reply: Reply): CallId {
    this.replies.set(++this.opened, reply)
    return this.opened
  }

  answer(call: CallId, answer: Answer): void {
    const reply = this.replies.get(call)
    this.replies.delete(call)
    reply?.(answer)
  }

  fail(call: CallId, failure: Failure): void {
    this.answer(call, { _tag: "Failed", failure })
  }

  close(): void {
    for (const call of [...this.replies.keys()]) this.fail(call, { _tag: "Unknown", reason: "Stopped" })
  }
}
