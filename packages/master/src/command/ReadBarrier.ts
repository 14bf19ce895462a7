/**
 * Makes a read as fresh as it has to be (design-cluster.md 11; thesis 6.4): before it the state here holds all that was
 * committed when it was asked, whichever master this is.
 */
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import type { RequestRefused } from "@nxmesh/raft/node/RequestError"
import { Context, Data, Duration, Effect, Layer } from "effect"
import { Limits } from "../Limits.ts"
import { Reads } from "../state/Reads.ts"

/** The state here cannot be brought up to date now. Nothing is wrong with it: it is of an earlier time. */
export class ReadRefused extends Data.TaggedError("ReadRefused")<{
  readonly reason: "NoLeader" | "Busy" | "Stopping" | "BeyondLog"
  readonly message: string
}> {}

const messages: Readonly<Record<Exclude<ReadRefused["reason"], "BeyondLog">, string>> = {
  NoLeader:
    "no leader is known: a majority of the masters must be up and reach each other. With consistency=stale a GET answers what this master has",
  Busy: "too many reads wait for the leader: try again in a moment",
  Stopping: "this master is stopping: ask another one"
}

const refused = (reason: keyof typeof messages) => new ReadRefused({ reason, message: messages[reason] })

const readRefused = ({ reason }: RequestRefused): ReadRefused => {
  if (reason === "Stopped") return refused("Stopping")
  return refused(reason === "TooManyReads" ? "Busy" : "NoLeader")
}

export class ReadBarrier extends Context.Service<
  ReadBarrier,
  {
    /** After it the state here holds all that was acknowledged before. */
    readonly linearizable: Effect.Effect<void, ReadRefused>
    /** After it the state here holds the entry at `index`, and all before. */
    readonly atLeast: (index: number) => Effect.Effect<void, ReadRefused>
  }
>()("@nxmesh/master/command/ReadBarrier") {
  static readonly layer = Layer.effect(
    ReadBarrier,
    Effect.gen(function* () {
      const node = yield* RaftNode
      const reads = yield* Reads
      const read = node.read.pipe(
        Effect.mapError(readRefused),
        Effect.timeoutOrElse({
          duration: Duration.millis(Limits.command.readBarrierMillisMax),
          orElse: () => Effect.fail(refused("NoLeader"))
        })
      )
      return ReadBarrier.of({
        linearizable: Effect.asVoid(read),
        atLeast: Effect.fn("ReadBarrier.atLeast")(function* (index) {
          if ((yield* reads.appliedIndex) >= index) return
          const applied = yield* read
          if (applied >= index) return
          return yield* new ReadRefused({
            reason: "BeyondLog",
            message: `entry ${index} is not written: the log ends at ${applied}. Is it an index of another cluster?`
          })
        })
      })
    })
  )
}
