import { assert } from "@effect/vitest"
import type { Message } from "@nxmesh/raft/core/Message"
import type { Answer, Call } from "@nxmesh/raft/transport/Call"
import type { TransportListener } from "@nxmesh/raft/transport/Transport"

export const heartbeat = (from: string, to: string, term: number): Message & { readonly _tag: "Heartbeat" } => ({
  _tag: "Heartbeat",
  from,
  to,
  term,
  commit: 0,
  round: 0
})

/** A node that notes what it hears. */
export class Recorder implements TransportListener {
  heard: Array<Message> = []
  lost: Array<string> = []
  calls: Array<Call> = []
  onCall: (call: Call, reply: (answer: Answer) => void) => void = () => undefined

  readonly received = (message: Message): void => {
    this.heard.push(message)
  }
  readonly unreachable = (peer: string): void => {
    this.lost.push(peer)
  }
  readonly called = (call: Call, reply: (answer: Answer) => void): void => {
    this.calls.push(call)
    this.onCall(call, reply)
  }

  clear(): void {
    this.heard = []
    this.lost = []
    this.calls = []
  }
}

/** Waits for a fact. */
export const until = async (isTrue: () => boolean): Promise<void> => {
  const deadline = performance.now() + 15_000
  while (!isTrue()) {
    if (performance.now() > deadline) assert.fail("it did not become true within 15 s")
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
