/** Puts a tree back as it settled and has nginx read it again if it may have read anything else. Runs under `Supervisor.exclusive`. */
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import type { FileError } from "@nxmesh/core/file/FileError"
import * as Switch from "../deploy/Switch.ts"
import { Limits } from "../Limits.ts"
import { NginxError } from "../nginx/NginxError.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as Proof from "../nginx/Proof.ts"
import { ownCommand } from "../nginx/Supervisor.ts"
import * as Validation from "../nginx/Validation.ts"
import { type Finding, mayBeLoaded } from "./DriftJudgement.ts"
import type { FindText } from "./SettledText.ts"
import type { SettledTree } from "./SettledTree.ts"
import { repair } from "./TreeRepair.ts"

/** USER_HZ, in which /proc counts start times: 100 on every Linux that runs Node. */
const millisPerTick = 10

/** When the workers that take connections were started, in milliseconds since 1970, by the clock's present setting. */
const workersStartedMillis = (master: NginxProcess.NginxMaster): ReadonlyArray<number> => {
  const bootSeconds = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "latin1"))?.[1] ?? Number.NaN)
  // Without a time of boot every worker counts as started just now.
  return NginxProcess.activeWorkers(master).map(({ startTicks }) =>
    Number.isNaN(bootSeconds) ? Number.POSITIVE_INFINITY : bootSeconds * 1_000 + Number(startTicks) * millisPerTick
  )
}

/** Another worker than before answers under the same id, and the old ones go: that is the reload, and no answer from before it. */
const reload = Effect.fnUntraced(function* (
  master: NginxProcess.NginxMaster,
  settled: SettledTree,
  testMillis: number
) {
  const instance = yield* NginxInstance
  const sent = yield* Switch.reload(instance, master)
  yield* Proof.prove(sent, instance.runtimeDirectory, settled.deployment_id, testMillis)
}, Effect.scoped)

interface Tested {
  /** `null`: none runs, so there is nobody to reload. */
  readonly master: NginxProcess.NginxMaster | null
  readonly elapsedMillis: number
}

/** nginx's opinion of the tree as it lies there; fails with its words. Without an nginx to ask there is none. */
export const testTree = Effect.fn("Revert.testTree")(function* (
  settled: SettledTree,
  validationMode: Validation.ValidationMode
): Effect.fn.Return<Tested, NginxError | FileError, NginxInstance> {
  const instance = yield* NginxInstance
  const master = yield* Effect.orElseSucceed(NginxProcess.find(instance.pidFile), () => null)
  const nginx = master ?? ownCommand(instance)
  if (nginx === null) return { master, elapsedMillis: 0 }
  const { elapsedMillis, output, passed } = yield* Validation.validate(instance, nginx, validationMode, {
    directory: settled.directory,
    live: settled.directory,
    marker: `deployment ${settled.deployment_id}`
  })
  if (passed) return { master, elapsedMillis }
  return yield* new NginxError({
    reason: "refused",
    message: `nginx refuses it: ${output.trim().slice(0, 2_000)}`,
    output
  })
})

/** Answers the paths whose settled text is nowhere any more: the rest is back then, and nginx was not reloaded. */
export const revert = Effect.fn("Revert.revert")(function* (
  settled: SettledTree,
  findings: ReadonlyArray<Finding>,
  findText: FindText,
  validationMode: Validation.ValidationMode
): Effect.fn.Return<ReadonlyArray<string>, NginxError | FileError, NginxInstance> {
  const instance = yield* NginxInstance
  const unknown = yield* repair(instance.confDirectory, settled, findings, findText)
  if (unknown.length > 0) return unknown
  const { elapsedMillis, master } = yield* testTree(settled, validationMode)
  if (master !== null && mayBeLoaded(findings, workersStartedMillis(master), Limits.workerStartMarginMillis)) {
    yield* reload(master, settled, elapsedMillis)
  }
  return []
})
