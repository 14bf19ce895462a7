/** One look at nginx: what the watchdog's machine decides by. */
import { Duration, Effect } from "effect"
import { existsSync } from "node:fs"
import { Deployer } from "../deploy/Deployer.ts"
import * as GenerationDirectory from "../deploy/GenerationDirectory.ts"
import { Limits } from "../Limits.ts"
import { isOurs, type Keeper } from "../nginx/Keeper.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as PidFile from "../nginx/PidFile.ts"
import type { ProcessIdentity } from "../nginx/ProcessTable.ts"
import * as ProcessTable from "../nginx/ProcessTable.ts"
import * as ProofAnswer from "../nginx/ProofAnswer.ts"
import { Supervisor } from "../nginx/Supervisor.ts"
import type { Facts } from "./WatchdogMachine.ts"

interface Seen {
  readonly master: string | null
  readonly workers: ReadonlyArray<ProcessIdentity>
}

const nameOf = ({ pid, startTicks }: ProcessIdentity): string => `${pid} ${startTicks}`

/** Workers of the same master that were there and are not: none was seen to leave, so they died, or came and went in a reload. */
export const diedSince = (before: Seen | null, now: Seen, isAlive: (worker: ProcessIdentity) => boolean): boolean =>
  before !== null &&
  before.master !== null &&
  before.master === now.master &&
  before.workers.some((one) => !isAlive(one))

export interface Look {
  readonly facts: Facts
  readonly keeper: Keeper
}

export interface Observer {
  readonly look: (nowNanos: bigint) => Effect.Effect<Look>
  /** The watchdog itself has acted: what was seen before is no measure, and that turn was its own. */
  readonly forget: Effect.Effect<void>
}

/** Remembers the workers of the last look. */
export const make = Effect.gen(function* () {
  const instance = yield* NginxInstance
  const supervisor = yield* Supervisor
  const deployer = yield* Deployer
  const { confDirectory, pidFile, runtimeDirectory } = instance
  let seen: Seen | null = null
  let turns = 0

  const nginxIs = (master: NginxProcess.NginxMaster | null, upgrading: boolean): Facts["nginx"] => {
    if (master === null) return upgrading ? "upgrading" : "gone"
    return NginxProcess.isQuitting(master) ? "quitting" : "running"
  }

  const look = Effect.fnUntraced(function* (nowNanos: bigint): Effect.fn.Return<Look> {
    const before = yield* supervisor.turns
    // What cannot be mended is found again by the next look.
    yield* Effect.ignore(PidFile.mend(instance))
    const master = yield* Effect.orElseSucceed(NginxProcess.find(pidFile), () => null)
    const { deploymentId, directory, generation } = yield* deployer.current
    const now: Seen =
      master === null
        ? { master: null, workers: [] }
        : { master: nameOf(master), workers: NginxProcess.activeWorkers(master) }
    const answer = master === null ? null : yield* ProofAnswer.ask(runtimeDirectory)
    const keeper = yield* supervisor.keeper
    const link = yield* Effect.orElseSucceed(GenerationDirectory.current(confDirectory), () => null)
    const facts = {
      nowMillis: Number(nowNanos / 1_000_000n),
      wanted: yield* supervisor.isWanted,
      nginx: nginxIs(master, yield* PidFile.isUpgrading(pidFile)),
      master: now.master,
      workersDied: diedSince(seen, now, ProcessTable.isAlive),
      answer: answerOf(
        answer?.deploymentId ?? null,
        deploymentId,
        existsSync(ProofAnswer.socketPath(runtimeDirectory))
      ),
      linked: link === directory,
      generation,
      canStart: isOurs(keeper),
      graceMillis: keeper._tag === "Systemd" ? Duration.toMillis(Limits.serviceGrace) : 0
    }
    const after = yield* supervisor.turns
    const busy = before !== turns || after !== before || after % 2 === 1
    turns = after
    seen = now
    return { keeper, facts: { ...facts, busy } }
  })

  const forget = Effect.gen(function* () {
    seen = null
    turns = yield* supervisor.turns
  })
  const observer: Observer = { look, forget }
  return observer
})

const answerOf = (answered: string | null, settled: string, socketExists: boolean): Facts["answer"] => {
  if (answered === null) return socketExists ? "nobody" : "unknown"
  return answered === settled ? "settled" : "other"
}
