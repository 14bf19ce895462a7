/**
 * What every check of a password passes through: the wait after failures, a bounded number at once so that many guesses
 * sent together cannot all see the same count of failures, and the record of the failure.
 */
import { Clock, Context, Effect, Layer, Ref, Semaphore } from "effect"
import { type CommandError, type CommandRejected, Commands } from "../command/Commands.ts"
import { Limits } from "../Limits.ts"
import { Reads } from "../state/Reads.ts"
import { authMetrics } from "./AuthMetrics.ts"
import { waitMillis } from "./Lockout.ts"
import { RememberedFailures } from "./RememberedFailures.ts"
import { LoginThrottled } from "./SessionErrors.ts"

export interface Guess {
  readonly email: string
  readonly remoteAddress: string
}

export class LoginGate extends Context.Service<
  LoginGate,
  {
    /**
     * Runs the check when it may run now; `undefined` from it is a failure and is counted: in the log, so that every master
     * knows, or, when nothing can be recorded, by this master.
     */
    readonly attempt: <A, E>(
      guess: Guess,
      check: Effect.Effect<A | undefined, E>,
      isRecorded: boolean
    ) => Effect.Effect<A | undefined, E | LoginThrottled | CommandRejected | CommandError>
  }
>()("@nxmesh/master/auth/LoginGate") {
  static readonly layer = Layer.effect(
    LoginGate,
    Effect.gen(function* () {
      const commands = yield* Commands
      const { passwords } = yield* authMetrics
      const reads = yield* Reads
      const turns = yield* Semaphore.make(Limits.auth.passwordHashesConcurrentMax)
      const waiting = yield* Ref.make(0)
      const remembered = new RememberedFailures()

      const throttled = (retryAfterSeconds: number) =>
        Effect.suspend(() => {
          passwords.inc({ outcome: "throttled" })
          return Effect.fail(new LoginThrottled({ retryAfterSeconds }))
        })

      const refuseWhileLocked = Effect.fnUntraced(function* ({ email, remoteAddress }: Guess) {
        const nowMillis = yield* Clock.currentTimeMillis
        const rows = yield* reads.loginFailures(email)
        const recorded = rows.map((row) => ({
          remoteAddress: row.remote_address,
          failures: row.failures,
          lastFailedAtMillis: Date.parse(row.last_failed_at)
        }))
        const wait = waitMillis([...recorded, ...remembered.of(email)], remoteAddress, nowMillis)
        if (wait > 0) return yield* throttled(Math.ceil(wait / 1_000))
      })

      const record = ({ email, remoteAddress }: Guess) =>
        commands.submit({
          principal: { _tag: "System", component: "sessions" },
          command: { _tag: "RecordLoginFailure", email: email.toLowerCase(), remote_address: remoteAddress },
          remoteAddress
        })

      const inTurn = <A, E>(guess: Guess, check: Effect.Effect<A | undefined, E>, isRecorded: boolean) =>
        Effect.gen(function* () {
          yield* refuseWhileLocked(guess)
          const result = yield* check
          passwords.inc({ outcome: result === undefined ? "wrong" : "right" })
          if (result !== undefined) remembered.forget(guess)
          else if (isRecorded) yield* record(guess)
          else remembered.remember(guess, yield* Clock.currentTimeMillis)
          return result
        })

      return LoginGate.of({
        attempt: (guess, check, isRecorded) =>
          Effect.acquireUseRelease(
            Ref.updateAndGet(waiting, (count) => count + 1),
            (count) =>
              count > Limits.auth.loginsWaitingMax
                ? throttled(Limits.auth.loginsFullRetrySeconds)
                : // A guess that hangs up halfway is counted all the same.
                  turns.withPermit(Effect.uninterruptible(inTurn(guess, check, isRecorded))),
            () => Ref.update(waiting, (count) => count - 1)
          )
      })
    })
  )
}
