import type { Exception } from "./rules/Bans.ts"

/** The named places that may write what is banned elsewhere, each with its reason. An entry that nothing needs any more fails. */
export const exceptions: ReadonlyArray<Exception> = [
  {
    path: "packages/raft/src/node/thread/NodeWorker.ts",
    ban: "Date.now",
    reason: "the leader's wall clock, which commands carry; behind an interface, and nothing waits by it"
  },
  {
    path: "packages/raft/src/node/thread/NodeWorker.ts",
    ban: "setInterval",
    reason: "the Raft thread's only clock: fibers would share the event loop's turns with what they time"
  },
  {
    path: "packages/raft/src/transport/Environment.ts",
    ban: "performance.now",
    reason: "as its timers: a clock that never goes back, behind an interface"
  },
  {
    path: "packages/raft/src/transport/Environment.ts",
    ban: "setTimeout",
    reason: "the transport is callbacks on sockets; its timers are behind an interface, and this is the machine's own"
  }
]
