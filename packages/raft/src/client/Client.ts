/** `RaftClient` as effects. An interrupted call is given up: its command may be executed all the same, once. */
import { Context, Data, Effect, Layer } from "effect"
import type { Index } from "../core/Types.ts"
import {
  type Answered,
  type Applied,
  type Described,
  type GiveUp,
  type MemberChange,
  RaftClient,
  type RaftClientOptions,
  type Reply
} from "./RaftClient.ts"
import { Limits } from "../Limits.ts"
import type { CallFailure } from "./Verdict.ts"

/** There is no result. `Refused`: nothing happened, or will. `Unknown`: it may have happened, or may still. */
export class CallError extends Data.TaggedError("CallError")<{
  readonly outcome: CallFailure["_tag"]
  readonly reason: CallFailure["reason"]
  readonly message: string
}> {}

/** What to do about it. */
const advice: Readonly<Record<CallFailure["reason"], string>> = {
  NotLeader: "no leader took it in time; check that a majority of the nodes runs and can reach each other",
  LeadershipLost: "the leader changed meanwhile; try again",
  TransferInProgress: "leadership is being handed over; try again",
  TooMuchUncommitted: "the cluster takes no more for now; try again later and slower",
  TooMuchUnapplied: "the state machine is behind; try again later and slower",
  TooManyReads: "too many reads wait; try again later and slower",
  TooManyAnswers: "too many commands of this client wait for one that is not answered; try again later",
  ConfigurationInProgress: "another change of members is under way; try again when it has ended",
  ConfigurationBeforeTermCommit: "the leader is new; try again",
  ConfigurationOutdated: "the members changed meanwhile; look at them and decide again",
  ConfigurationInvalid: "these members cannot be a cluster: at least one voter, and nobody twice",
  LogFull: "the log has reached its bound because snapshots fail; look at the log and the disk of the leader",
  TooLarge: `a command has at most ${Limits.node.commandBytesMax} bytes; make it smaller, or several of it`,
  SessionExpired: "the cluster forgot this client's session; look whether the command was executed",
  Stopped: "the node is stopping; look whether it was executed, or try again",
  TimedOut: "no answer came in time; look whether it was executed",
  Unreachable: "no node answers; check the addresses and that the nodes run",
  TooManyCalls: "this client waits for too many answers already; try again slower",
  Closed: "this client is closed",
  WrongAnswer: "a node answered another question; check that client and nodes run one release"
}

const errorOf = ({ _tag, reason }: CallFailure, problem: string): CallError => {
  const detail = reason === "Unreachable" ? ` (${problem})` : ""
  return new CallError({ outcome: _tag, reason, message: `${advice[reason]}${detail}` })
}

export interface ClientService {
  /** Executed once, or `Refused` and never. */
  readonly propose: (data: Uint8Array) => Effect.Effect<Applied, CallError>
  /** A linearizable read. */
  readonly query: (data: Uint8Array) => Effect.Effect<Answered, CallError>
  readonly changeMembers: (change: MemberChange) => Effect.Effect<Index, CallError>
  readonly describe: Effect.Effect<Described, CallError>
}

/** A program's connection to a cluster that it is no part of. */
export class Client extends Context.Service<Client, ClientService>()("@nxmesh/raft/client/Client") {
  /** Connects by itself, and for as long as the scope is open. */
  static readonly make = Effect.fnUntraced(function* (options: RaftClientOptions) {
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => new RaftClient(options)),
      (opened) => Effect.sync(() => opened.close())
    )
    const ask = <A>(begin: (reply: Reply<A>) => GiveUp): Effect.Effect<A, CallError> =>
      Effect.callback<A, CallError>((resume) => {
        const giveUp = begin((outcome) =>
          resume(
            outcome._tag === "Done" ? Effect.succeed(outcome.value) : Effect.fail(errorOf(outcome, client.problem))
          )
        )
        return Effect.sync(giveUp)
      })
    return Client.of({
      propose: (data) => ask<Applied>((reply) => client.propose(data, reply)),
      query: (data) => ask<Answered>((reply) => client.query(data, reply)),
      changeMembers: (change) =>
        Effect.map(
          ask<{ readonly index: Index }>((reply) => client.changeMembers(change, reply)),
          ({ index }) => index
        ),
      describe: ask<Described>((reply) => client.describe(reply))
    })
  })

  static readonly layer = (options: RaftClientOptions) => Layer.effect(Client, Client.make(options))
}
