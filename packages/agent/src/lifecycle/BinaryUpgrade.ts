/**
 * Replaces the running nginx by the binary on the disk without losing a connection (nginx, "Upgrading Executable on the Fly"): USR2
 * starts the new master beside the old one on the same sockets; only when its workers prove that they serve do those of the old one
 * go, and only then the old master. At every step before that the old one serves on.
 */
import { Effect } from "effect"
import { statSync } from "node:fs"
import { isAbsolute } from "node:path"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Limits } from "../Limits.ts"
import { NginxError } from "../nginx/NginxError.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as PidFile from "../nginx/PidFile.ts"
import * as ProcessTable from "../nginx/ProcessTable.ts"
import * as ProofAnswer from "../nginx/ProofAnswer.ts"
import { awaitMaster } from "../nginx/Start.ts"
import { type ActionResult, done, failed, refused, unchanged } from "./ActionResult.ts"
import { refusal, running, type Tools } from "./NginxActions.ts"

type Master = NginxProcess.NginxMaster

const inode = (path: string): string | null => {
  try {
    const { dev, ino } = statSync(path)
    return `${dev} ${ino}`
  } catch {
    return null // it is not there, or not ours to see: both mean "not known"
  }
}

/** Waits for a fact; false when it does not come in time. */
const happens = (fact: () => boolean | Effect.Effect<boolean>, within = Limits.quitTimeout) =>
  Effect.gen(function* () {
    while (true) {
      const holds = fact()
      if (typeof holds === "boolean" ? holds : yield* holds) return true
      yield* Effect.sleep(Limits.proofPollInterval)
    }
  }).pipe(Effect.timeoutOrElse({ duration: within, orElse: () => Effect.succeed(false) }))

/** A worker of this master answers with what settled last. */
const proves = Effect.fnUntraced(function* ({ deployer, instance }: Tools, master: Master) {
  const { deploymentId } = yield* deployer.current
  return yield* happens(
    () =>
      Effect.map(
        ProofAnswer.ask(instance.runtimeDirectory),
        (answer) =>
          answer?.deploymentId === deploymentId &&
          NginxProcess.activeWorkers(master).some(({ pid }) => pid === answer.workerPid)
      ),
    Limits.upgradeProofTimeout
  )
})

/** Ends the new master, and has the old one serve alone again. HUP starts workers that WINCH sent away, with the configuration they had. */
const giveBack = Effect.fnUntraced(function* ({ instance }: Tools, old: Master, next: Master) {
  // Either may have ended by itself: then there is nothing left to do to it.
  if (NginxProcess.activeWorkers(old).length === 0) yield* Effect.ignore(NginxProcess.signal(old, "SIGHUP"))
  yield* Effect.ignore(NginxProcess.signal(next, "SIGQUIT"))
  const ended = () => !ProcessTable.isAlive(next)
  // Its workers were told to quit too: they finish what they have without a master.
  if (!(yield* happens(ended, Limits.upgradeProofTimeout))) yield* Effect.ignore(NginxProcess.signal(next, "SIGKILL"))
  return yield* happens(() =>
    Effect.map(
      Effect.orElseSucceed(NginxProcess.find(instance.pidFile), () => null),
      (found) => found?.pid === old.pid && NginxProcess.activeWorkers(old).length > 0
    )
  )
})

/** The old master has its pid file back as soon as the new one has ended; before that, and while it loads, the file is `.oldbin`. */
const notStarted = Effect.fnUntraced(function* (pidFile: string, old: Master): Effect.fn.Return<never, NginxError> {
  while (true) {
    yield* Effect.sleep(Limits.upgradeStartDelay)
    const found = yield* Effect.orElseSucceed(NginxProcess.find(pidFile), () => null)
    if (found?.pid !== old.pid || (yield* PidFile.isUpgrading(pidFile))) continue
    return yield* new NginxError({ reason: "start", message: "the new binary ended" })
  }
})

const handOver = Effect.fnUntraced(function* (
  tools: Tools,
  old: Master
): Effect.fn.Return<ActionResult, NginxError | FileError> {
  yield* NginxProcess.signal(old, "SIGUSR2")
  const started = yield* Effect.result(
    Effect.raceFirst(
      awaitMaster(tools.instance.pidFile, old, Limits.nginxStartTimeout),
      notStarted(tools.instance.pidFile, old)
    )
  )
  if (started._tag === "Failure") {
    return failed(`the new binary does not start, and nginx serves on as process ${old.pid}: see its error log`)
  }
  const next = started.success
  const back = Effect.fnUntraced(function* (why: string) {
    return (yield* giveBack(tools, old, next))
      ? failed(`${why}: it was ended, and nginx serves on as process ${old.pid}`)
      : failed(`${why}, and the old process ${old.pid} does not serve alone again: see nginx's error log`)
  })
  if (!(yield* proves(tools, next))) return yield* back("the new binary started and does not serve")
  yield* NginxProcess.signal(old, "SIGWINCH")
  if (!(yield* happens(() => NginxProcess.activeWorkers(old).length === 0))) {
    return yield* back("the workers of the old binary do not leave")
  }
  if (!(yield* proves(tools, next))) return yield* back("the new binary stopped serving")
  yield* Effect.ignore(NginxProcess.signal(old, "SIGQUIT"))
  const left = NginxProcess.drainingWorkers(old)
  const clients = left === 0 ? "" : `; ${left} workers of the old one serve their last clients`
  return done(`nginx runs as process ${next.pid}, after process ${old.pid}${clients}`)
})

export const upgradeBinary = Effect.fn("BinaryUpgrade.upgradeBinary")(function* (
  tools: Tools
): Effect.fn.Return<ActionResult, NginxError | FileError> {
  const { instance, supervisor } = tools
  if ((yield* supervisor.keeper)._tag === "Runtime") {
    return refused("the binary of this nginx is its image's: replace the image")
  }
  const old = yield* running(tools)
  if (old === null) return refused("nginx is not running: a start takes the binary on the disk")
  const program = NginxProcess.programIn(ProcessTable.title(old.pid))
  if (!isAbsolute(program)) {
    return refused(`nginx was started as "${program}", and finds its new binary by an absolute path only: restart it`)
  }
  if (old.arguments.globalDirectives?.includes("daemon off") === true) {
    return refused(
      "nginx runs in the foreground, and whoever started it would take the end of the old one for its end: restart it"
    )
  }
  if (yield* PidFile.isUpgrading(instance.pidFile)) {
    return refused(`an upgrade is under way already: ${instance.pidFile}.oldbin names a master that lives`)
  }
  const onDisk = inode(program)
  if (onDisk === null) return failed(`there is no ${program} to upgrade to`)
  if (onDisk === inode(old.executable)) return unchanged(`nginx runs the binary that is at ${program}`)
  const { error } = yield* refusal(tools, { executable: program, arguments: old.arguments })
  if (error !== null) {
    return failed(`the new binary refuses the present configuration, and nginx was left as it is: ${error.message}`, [
      error
    ])
  }
  return yield* handOver(tools, old)
})
