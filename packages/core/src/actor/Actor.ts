/**
 * One owner per piece of mutable state: a serial mailbox, one message at a time, and a supervised fiber.
 *
 * A failure that `receive` declares is an answer: whoever asked gets it, and the state stays. A defect is a crash: the
 * state may be wrong, so it is made anew and the mailbox goes on, until crashes come faster than the restart policy
 * allows; then the actor stops, and everyone who asks is told.
 */
import { Cause, Clock, Data, Deferred, Effect, Exit, Queue, type Scope } from "effect"
import { untraced } from "../observe/Traceparent.ts"
import { judgeCrash, type RestartPolicy } from "./RestartPolicy.ts"

/** The message was not handled. Full: the mailbox has no room. Crashed: handling it crashed. Stopped: no one reads it. */
export class ActorError extends Data.TaggedError("ActorError")<{
  readonly actor: string
  readonly reason: "Full" | "Crashed" | "Stopped"
}> {
  override get message() {
    return `actor ${this.actor}: ${this.reason.toLowerCase()}`
  }
}

export interface ActorOptions<State, Message, Reply, E, R, E0, R0> {
  /** For logs. */
  readonly name: string
  readonly mailboxMax: number
  readonly restart: RestartPolicy
  /** Makes the state, at the start and after a crash. */
  readonly initial: Effect.Effect<State, E0, R0>
  readonly receive: (state: State, message: Message) => Effect.Effect<readonly [State, Reply], E, R>
}

export interface Actor<Message, Reply, E> {
  /** Waits for room in the mailbox, then for the answer. A caller that goes away does not take its message back. */
  readonly ask: (message: Message) => Effect.Effect<Reply, E | ActorError>
  /** Leaves the message without waiting; fails when there is no room, which the sender must decide about. */
  readonly tell: (message: Message) => Effect.Effect<void, ActorError>
  /** Ends when the actor has crashed too often. */
  readonly stopped: Effect.Effect<ActorError>
}

interface Envelope<Message, Reply, E> {
  readonly message: Message
  readonly reply: Deferred.Deferred<Reply, E | ActorError> | undefined
}

/** Starts an actor in the scope; closing the scope interrupts it and refuses what waits. */
export const makeActor = Effect.fnUntraced(function* <State, Message, Reply, E, R, E0, R0>(
  options: ActorOptions<State, Message, Reply, E, R, E0, R0>
): Effect.fn.Return<Actor<Message, Reply, E>, E0, R | R0 | Scope.Scope> {
  const { initial, mailboxMax, name, receive, restart } = options
  const mailbox = yield* Queue.bounded<Envelope<Message, Reply, E>>(mailboxMax)
  const stopped = yield* Deferred.make<ActorError>()
  const stopError = new ActorError({ actor: name, reason: "Stopped" })
  let current: Envelope<Message, Reply, E> | undefined

  const answer = (envelope: Envelope<Message, Reply, E>, exit: Exit.Exit<Reply, E | ActorError>) =>
    envelope.reply === undefined ? Effect.void : Deferred.done(envelope.reply, exit)

  /** Handles messages until one crashes; answers with the cause of the crash. */
  const run = Effect.fnUntraced(function* (first: State) {
    let state = first
    while (true) {
      const envelope = yield* Queue.take(mailbox)
      current = envelope
      const exit = yield* Effect.exit(Effect.suspend(() => receive(state, envelope.message)))
      current = undefined
      if (Exit.isSuccess(exit)) {
        state = exit.value[0]
        yield* answer(envelope, Exit.succeed(exit.value[1]))
        continue
      }
      const error = Cause.findErrorOption(exit.cause)
      if (error._tag === "Some" && !Cause.hasDies(exit.cause)) {
        if (envelope.reply === undefined) yield* Effect.logWarning(`actor ${name}: a message failed`, error.value)
        yield* answer(envelope, Exit.fail(error.value))
        continue
      }
      yield* answer(envelope, Exit.fail(new ActorError({ actor: name, reason: "Crashed" })))
      return exit.cause
    }
  })

  const supervise = Effect.fnUntraced(function* (first: State) {
    let crashes: ReadonlyArray<number> = []
    let next: Effect.Effect<State, E0, R0> = Effect.succeed(first)
    while (true) {
      const crash = yield* next.pipe(
        Effect.flatMap(run),
        Effect.catchCause((cause) => Effect.succeed(cause))
      )
      const { recent, restart: again } = judgeCrash([...crashes, yield* Clock.currentTimeMillis], restart)
      crashes = recent
      yield* Effect.logError(`actor ${name} crashed${again ? " and starts over" : " too often and stops"}`, crash)
      if (!again) return yield* Deferred.succeed(stopped, stopError)
      next = initial
    }
  })

  const refuseWaiting = Effect.gen(function* () {
    const left = yield* Queue.clear(mailbox)
    yield* Queue.shutdown(mailbox)
    if (current !== undefined) left.unshift(current)
    for (const envelope of left) yield* answer(envelope, Exit.fail(stopError))
    yield* Deferred.succeed(stopped, stopError)
  })

  const first = yield* initial
  yield* Effect.forkScoped(untraced(Effect.ensuring(supervise(first), refuseWaiting)), { startImmediately: true })

  return {
    ask: Effect.fnUntraced(function* (message: Message) {
      const reply = yield* Deferred.make<Reply, E | ActorError>()
      const accepted = yield* Effect.raceFirst(
        Queue.offer(mailbox, { message, reply }),
        Effect.as(Deferred.await(stopped), false)
      )
      if (!accepted) return yield* stopError
      return yield* Deferred.await(reply)
    }),
    tell: Effect.fnUntraced(function* (message: Message) {
      if (yield* Deferred.isDone(stopped)) return yield* stopError
      if (!Queue.offerUnsafe(mailbox, { message, reply: undefined })) {
        return yield* new ActorError({ actor: name, reason: "Full" })
      }
    }),
    stopped: Deferred.await(stopped)
  }
})
