/**
 * Watches whether the machine still has what settled last, and does about it what the policy says. inotify tells at once, a look
 * every so often finds what inotify missed, and a reading of everything, now and then, what someone hid.
 */
import { Clock, Context, Duration, Effect, Layer, Queue, Ref, Stream } from "effect"
import { dirname, join } from "node:path"
import type { Drift } from "@nxmesh/protocol/model/Drift"
import { AlertBoard } from "../alerts/AlertBoard.ts"
import { Deployer } from "../deploy/Deployer.ts"
import { Limits } from "../Limits.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import * as Validation from "../nginx/Validation.ts"
import { CurrentPolicy } from "../policy/CurrentPolicy.ts"
import * as ChangeSignals from "./ChangeSignals.ts"
import { driftAlert } from "./DriftAlert.ts"
import * as DriftMetrics from "./DriftMetrics.ts"
import { merged } from "./DriftReport.ts"
import { round, type Watch } from "./DriftRound.ts"
import { FileHashes } from "./FileHashes.ts"
import { noReverts } from "./RevertBudget.ts"
import type { SettledTree } from "./SettledTree.ts"
import * as SettledTreeFile from "./SettledTreeFile.ts"
import type { Shown } from "./Shown.ts"

/** The directories whose entries are part of what settled. */
const watchedDirectories = (confDirectory: string, settled: SettledTree | null): ReadonlySet<string> => {
  const directories = new Set([confDirectory])
  if (settled === null) return directories
  const root = join(confDirectory, settled.directory)
  for (const path of ["nxmesh.conf", ...Object.keys(settled.files)]) directories.add(dirname(join(root, path)))
  for (const path of Object.keys(settled.outside?.foreign ?? {})) directories.add(dirname(path))
  for (const path of Object.keys(settled.outside?.modules ?? {})) directories.add(dirname(path))
  return directories
}

const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

const makeWatch = Effect.fnUntraced(function* (dataDirectory: string) {
  const watch: Watch = {
    dataDirectory,
    metrics: yield* DriftMetrics.make,
    responder: { reverts: yield* Ref.make(noReverts), validationMode: yield* Effect.cached(Validation.detectMode) },
    treeHashes: new FileHashes(),
    outsideHashes: new FileHashes(),
    builds: new Map(),
    tree: yield* Ref.make<Shown | null>(null),
    outside: yield* Ref.make<Shown | null>(null),
    settled: yield* SettledTreeFile.read(dataDirectory)
  }
  return watch
})

const currentOf = ({ outside, tree }: Watch): Effect.Effect<Drift | null> =>
  Effect.gen(function* () {
    return merged((yield* Ref.get(tree))?.drift ?? null, (yield* Ref.get(outside))?.drift ?? null)
  })

/** While something is not as it should be. The report tells of it for a while longer. */
const alertsOf = Effect.fnUntraced(function* ({ outside, tree }: Watch) {
  const shown = yield* Effect.all([Ref.get(tree), Ref.get(outside)])
  const [first] = shown.flatMap((one) => (one?.wellSinceMillis === null ? (driftAlert(one.drift) ?? []) : []))
  return first === undefined ? [] : [first]
})

/** Looks whenever it is told to, for ever. A look that fails is told and the next one comes. */
const run = Effect.fnUntraced(function* (watch: Watch, told: Queue.Queue<void>, signals: ChangeSignals.ChangeSignals) {
  const { confDirectory } = yield* NginxInstance
  const board = yield* AlertBoard
  let isFirst = true
  let readMillis = yield* monotonicMillis
  while (true) {
    const now = yield* monotonicMillis
    if (now - readMillis >= Duration.toMillis(Limits.driftHashInterval)) {
      readMillis = now
      watch.treeHashes.forget()
      watch.outsideHashes.forget()
    }
    yield* Effect.catchCause(round(watch, isFirst), (cause) =>
      Effect.logError("the look for drift failed, and is made again").pipe(Effect.annotateLogs({ cause }))
    )
    isFirst = false
    yield* signals.watch(watchedDirectories(confDirectory, watch.settled))
    yield* board.raise("drift", yield* alertsOf(watch))
    yield* Queue.take(told)
    yield* Effect.sleep(Limits.driftSettleDelay)
    yield* Queue.clear(told)
  }
})

/** Another generation may have settled, and time has passed. */
const remind = Effect.fnUntraced(function* (watch: Watch, tell: Effect.Effect<unknown>) {
  const deployer = yield* Deployer
  const follow = Effect.gen(function* () {
    yield* Effect.sleep(Limits.driftFollowInterval)
    const { deploymentId } = yield* deployer.current
    if (deploymentId !== watch.settled?.deployment_id) yield* tell
  })
  const policy = yield* CurrentPolicy
  yield* Effect.forkScoped(Effect.forever(follow))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(Limits.driftCheckInterval), tell)))
  yield* Effect.forkScoped(Stream.runForEach(policy.changes, () => tell))
})

export class DriftWatch extends Context.Service<
  DriftWatch,
  {
    /** What was found last, until all has been as it should be for a while; `null`: none. */
    readonly current: Effect.Effect<Drift | null>
  }
>()("@nxmesh/agent/drift/DriftWatch") {
  /** Watches nothing. */
  static readonly layerNone = Layer.succeed(DriftWatch, DriftWatch.of({ current: Effect.succeed(null) }))

  /** Before anyone else gets to deploy, it looks at what was changed while the agent was down. */
  static readonly layer = (dataDirectory: string) =>
    Layer.effect(
      DriftWatch,
      Effect.gen(function* () {
        const watch = yield* makeWatch(dataDirectory)
        const told = yield* Queue.sliding<void>(1)
        const signals = yield* ChangeSignals.make(() => Queue.offerUnsafe(told, undefined))
        yield* Effect.forkScoped(run(watch, told, signals), { startImmediately: true })
        yield* remind(watch, Queue.offer(told, undefined))
        return DriftWatch.of({ current: currentOf(watch) })
      })
    )
}
