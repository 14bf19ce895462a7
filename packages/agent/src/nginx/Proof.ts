/**
 * Proof that a reload took, by observation only. *Serving*: a worker that did not exist before it answers with the new
 * deployment id. *Settled*: besides, every worker from before it is exiting or gone, so that no new connection meets the
 * old configuration. nginx's own word for a failed reload ends the wait early.
 */
import { Clock, Duration, Effect } from "effect"
import { Limits } from "../Limits.ts"
import * as Complaint from "@nxmesh/core/nginx/Complaint"
import type { ErrorLogWatch } from "./ErrorLogWatch.ts"
import * as NginxProcess from "./NginxProcess.ts"
import { NginxError } from "./NginxError.ts"
import * as ProcessTable from "./ProcessTable.ts"
import * as ProofAnswer from "./ProofAnswer.ts"

export interface Reload {
  readonly master: NginxProcess.NginxMaster
  /** Workers that took connections when the signal was sent. */
  readonly oldWorkers: ReadonlyArray<ProcessTable.ProcessIdentity>
  readonly signalledNanos: bigint
  readonly errorLog: ErrorLogWatch
}

export interface Settled {
  readonly servingAfterMillis: number
  readonly settledAfterMillis: number
}

/** Sends HUP. The workers are read in the same turn as the signal is sent, so that none starts in between unseen. */
export const reload = Effect.fnUntraced(function* (
  master: NginxProcess.NginxMaster,
  errorLog: ErrorLogWatch
): Effect.fn.Return<Reload, NginxError> {
  const signalledNanos = yield* Clock.monotonicTimeNanos
  const oldWorkers = NginxProcess.activeWorkers(master)
  yield* NginxProcess.signal(master, "SIGHUP")
  return { master, oldWorkers, signalledNanos, errorLog }
})

const millisSince = (start: bigint) =>
  Effect.map(Clock.monotonicTimeNanos, (now) => Math.round(Number(now - start) / 1e4) / 100)

/** How long a reload may show nothing: a tree that takes long to test takes long to load. */
export const reloadTimeout = (testMillis: number): Duration.Duration =>
  Duration.max(Limits.reloadTimeout, Duration.millis(Limits.reloadTestFactor * testMillis))

const failureInLog = (reload: Reload): Effect.Effect<Complaint.Complaint | null> =>
  reload.errorLog.isReadable
    ? Effect.map(reload.errorLog.appended, (text) =>
        Complaint.reloadFailure(Complaint.complaintsIn(text, innerPid(reload.master.pid)))
      )
    : Effect.succeed(null)

/** The number that nginx itself writes: of a container's processes it may differ from ours. */
const innerPid = (pid: number): number => ProcessTable.innerPid(pid) ?? pid

const placeOf = ({ file, line }: Complaint.Complaint): string => (line === null ? "" : ` in ${file}:${line}`)

/** nginx's own words for why a reload failed, in the form of its standard error. */
const refusedBy = (complaint: Complaint.Complaint) =>
  new NginxError({
    reason: "refused",
    message: complaint.message,
    output: `nginx: [${complaint.level}] ${complaint.message}${placeOf(complaint)}`
  })

const isServing = (reload: Reload, deploymentId: string, answer: ProofAnswer.ProofAnswer | null): boolean =>
  answer !== null &&
  answer.deploymentId === deploymentId &&
  !reload.oldWorkers.some(({ pid }) => innerPid(pid) === answer.workerPid)

const poll = Effect.fnUntraced(function* <A>(
  reload: Reload,
  check: Effect.Effect<A | null>
): Effect.fn.Return<A, NginxError> {
  while (true) {
    const found = yield* check
    if (found !== null) return found
    const complaint = yield* failureInLog(reload)
    if (complaint !== null) return yield* refusedBy(complaint)
    if (!ProcessTable.isAlive(reload.master)) {
      return yield* new NginxError({ reason: "not_running", message: "nginx ended during the reload" })
    }
    yield* Effect.sleep(Limits.proofPollInterval)
  }
})

/** Waits until the reload is settled, or says why it is not. `deploymentId` must be new with this reload. */
export const prove = Effect.fn("Proof.prove")(function* (
  reload: Reload,
  runtimeDirectory: string,
  deploymentId: string,
  testMillis: number
): Effect.fn.Return<Settled, NginxError> {
  const waited = reloadTimeout(testMillis)
  const both = Effect.gen(function* () {
    const servingAfterMillis = yield* poll(
      reload,
      Effect.flatMap(ProofAnswer.ask(runtimeDirectory), (answer) =>
        isServing(reload, deploymentId, answer) ? millisSince(reload.signalledNanos) : Effect.succeed(null)
      )
    )
    const settledAfterMillis = yield* poll(
      reload,
      Effect.suspend(() =>
        reload.oldWorkers.every(NginxProcess.isLeaving) ? millisSince(reload.signalledNanos) : Effect.succeed(null)
      )
    )
    return { servingAfterMillis, settledAfterMillis }
  })
  return yield* both.pipe(
    Effect.timeoutOrElse({ duration: waited, orElse: () => Effect.fail(unproved(reload, waited)) })
  )
})

const unproved = ({ errorLog }: Reload, waited: Duration.Duration) =>
  new NginxError({
    reason: "proof",
    message:
      `nginx did not show the new configuration within ${Duration.format(waited)} of the reload` +
      (errorLog.isReadable
        ? ", and its error log names no reason"
        : `. The reason is not available, because nginx's main error log is not a file: put "error_log /var/log/nginx/error.log notice;" at the top of nginx.conf`)
  })
