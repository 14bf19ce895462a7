import type { Exception } from "./rules/Bans.ts"

/** The named places that may write what is banned elsewhere, each with its reason. An entry that nothing needs any more fails. */
export const exceptions: ReadonlyArray<Exception> = [
  {
    path: "packages/raft/src/transport/tcp/Environment.ts",
    ban: "setTimeout",
    reason: "the transport is callbacks on sockets; its timers are behind an interface, and this is the machine's own"
  }
]
