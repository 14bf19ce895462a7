/** One look at everything, and what follows from it. */
import { Clock, DateTime, Duration, Effect, Ref } from "effect"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { DeploymentId } from "@nxmesh/protocol/Ids"
import type { Drift } from "@nxmesh/protocol/model/Drift"
import { HeldBundle } from "../bundle/HeldBundle.ts"
import type { Served } from "../deploy/Attempt.ts"
import { Deployer } from "../deploy/Deployer.ts"
import { Limits } from "../Limits.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import { Supervisor } from "../nginx/Supervisor.ts"
import { isUpgraded, judgeOutside, judgeTree, type Finding, type OutsideFacts } from "./DriftJudgement.ts"
import type { DriftMetrics } from "./DriftMetrics.ts"
import { driftOf, signatureOf } from "./DriftReport.ts"
import { FileHashes } from "./FileHashes.ts"
import { type KnownBuilds, scanOutside } from "./OutsideScan.ts"
import { type Responded, type Responder, respond, textsFor } from "./Response.ts"
import { finderOf } from "./SettledText.ts"
import { settle } from "./Settling.ts"
import * as SettledTreeFile from "./SettledTreeFile.ts"
import type { SettledTree } from "./SettledTree.ts"
import { afterSettled, afterWell, type Shown } from "./Shown.ts"
import { scan } from "./TreeScan.ts"

/** What is remembered from one look to the next; owned by the fiber that looks. */
export interface Watch {
  readonly dataDirectory: string
  readonly metrics: DriftMetrics
  readonly responder: Responder
  readonly treeHashes: FileHashes
  readonly outsideHashes: FileHashes
  readonly builds: KnownBuilds
  readonly tree: Ref.Ref<Shown | null>
  readonly outside: Ref.Ref<Shown | null>
  settled: SettledTree | null
}

const nowMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))
const stamp = Effect.map(DateTime.now, DateTime.formatIso)
const shownForMillis = Duration.toMillis(Limits.driftShownFor)

const isOf = (settled: SettledTree | null, { deploymentId, directory }: Served): settled is SettledTree =>
  settled?.directory === directory && settled.deployment_id === deploymentId

/** What settled last, taken down anew when it is not what it was. */
const followSettled = Effect.fnUntraced(function* (watch: Watch, outside: OutsideFacts | null) {
  const deployer = yield* Deployer
  const { confDirectory } = yield* NginxInstance
  const [served, written] = yield* Effect.all([deployer.current, deployer.settledFiles])
  const before = watch.settled
  if (isOf(before, served)) {
    if (before.outside !== null || outside === null) return before
    watch.settled = { ...before, outside }
    yield* SettledTreeFile.write(watch.dataDirectory, watch.settled)
    return watch.settled
  }
  const { isTrusted, tree } = yield* settle(confDirectory, served, written, before, outside)
  if (isTrusted) {
    yield* Effect.logInfo("nothing is known of the generation that serves: it is taken for settled as it lies there", {
      directory: served.directory
    })
  }
  watch.settled = tree
  yield* Ref.update(watch.tree, afterSettled)
  yield* Ref.update(watch.outside, afterSettled)
  yield* SettledTreeFile.write(watch.dataDirectory, tree)
  return tree
})

const told = Effect.fnUntraced(function* (metrics: DriftMetrics, drift: Drift, reason: string | null) {
  for (const { kind } of drift.files) metrics.found.inc({ kind })
  if (drift.response === "reverted") metrics.reverts.inc({ result: "reverted" })
  if (drift.response === "revert_failed") metrics.reverts.inc({ result: "failed" })
  const paths = drift.files.map(({ kind, path }) => `${path} (${kind})`)
  yield* Effect.logWarning("the configuration drifted from what settled", {
    response: drift.response,
    generation: drift.generation,
    files: paths,
    omitted: drift.omitted,
    ...(reason === null ? {} : { reason })
  })
})

const show = Effect.fnUntraced(function* (
  watch: Watch,
  where: Ref.Ref<Shown | null>,
  signature: string,
  drift: Drift,
  reason: string | null
) {
  yield* Ref.set(where, { drift, signature, wellSinceMillis: null })
  yield* told(watch.metrics, drift, reason)
})

const well = Effect.fnUntraced(function* (where: Ref.Ref<Shown | null>) {
  const now = yield* nowMillis
  yield* Ref.update(where, (shown) => afterWell(shown, now, shownForMillis))
})

/** Of nginx itself and what it reads besides: told, and never touched. */
const lookOutside = Effect.fnUntraced(function* (watch: Watch, settled: SettledTree, facts: OutsideFacts | null) {
  if (facts === null || settled.outside === null) return
  const findings = judgeOutside(settled.outside, facts)
  if (findings.length === 0) return yield* well(watch.outside)
  const signature = signatureOf(settled.generation, findings)
  if ((yield* Ref.get(watch.outside))?.signature !== signature) {
    const about = { found_at: yield* stamp, generation: settled.generation }
    const none = () => ({ isSecret: false, settled: null, found: null })
    yield* show(watch, watch.outside, signature, driftOf(about, "alerted", findings, none), null)
  }
  if (!isUpgraded(settled.outside, facts)) return
  const { build, modules } = facts
  watch.settled = { ...settled, outside: { ...settled.outside, build, modules } }
  yield* SettledTreeFile.write(watch.dataDirectory, watch.settled)
})

const look = Effect.fnUntraced(function* (watch: Watch, settled: SettledTree) {
  const { confDirectory } = yield* NginxInstance
  const findings = judgeTree(settled, yield* scan(confDirectory, settled, watch.treeHashes))
  watch.treeHashes.endRound()
  return findings
})

/** Same findings, and someone has said already what is done about them. */
const isTold = (shown: Shown | null, signature: string, { response }: Responded): boolean =>
  shown?.signature === signature && shown.drift.response === response

/** Looks once more, with nobody else at work, and acts. Answers the findings that only a deployment can mend. */
const act = Effect.fnUntraced(function* (watch: Watch) {
  const settled = yield* followSettled(watch, null)
  const findings = yield* look(watch, settled)
  if (findings.length === 0) {
    yield* well(watch.tree)
    return null
  }
  const findText = yield* finderOf(settled)
  const textsOf = yield* textsFor(settled, findings, findText)
  const responded = yield* respond(watch.responder, settled, findings, textsOf, findText)
  const signature = signatureOf(settled.generation, findings)
  if (isTold(yield* Ref.get(watch.tree), signature, responded)) return null
  const about = { found_at: yield* stamp, generation: settled.generation }
  const drift = (response: Drift["response"]) => driftOf(about, response, findings, textsOf)
  if (responded.unknown.length > 0) return { drift, signature }
  const left = responded.response === "reverted" ? yield* look(watch, settled) : []
  const response = left.length > 0 ? "revert_failed" : responded.response
  const reason = left.length > 0 ? describe(left) : responded.reason
  yield* show(watch, watch.tree, signature, drift(response), reason)
  return null
})

const describe = (left: ReadonlyArray<Finding>): string =>
  `still different after it was put back: ${left
    .slice(0, 4)
    .map(({ detail, kind, path }) => `${path} (${kind}${detail === null ? "" : `, ${detail}`})`)
    .join(", ")}`

/** The bundle that settled, rendered and deployed anew: a tree of its own, by all the steps of a deployment. */
const deployAnew = Effect.gen(function* () {
  const deployer = yield* Deployer
  const bundle = yield* (yield* HeldBundle).latest
  const { generation } = yield* deployer.current
  if (bundle === null || bundle.generation !== generation) {
    return "the settled text is nowhere any more, and the bundle that it was made of is not held: deploy again from a master"
  }
  const order = (yield* deployer.order) ?? { epoch: 0, index: 0 }
  const deploymentId = DeploymentId.make(yield* (yield* Identifiers).uuid)
  const outcome = yield* deployer.apply({ deploymentId, bundle, order, force: true })
  return outcome.status === "settled" ? null : (outcome.error?.message ?? `the deployment ended as ${outcome.status}`)
})

/**
 * Most looks find nothing and hold nobody up. What seems to differ is looked at again under `exclusive`, because a
 * deployment may be at work on it.
 *
 * @param isFirst of a start: nobody else may begin before it
 */
export const round = Effect.fn("DriftRound.round")(function* (watch: Watch, isFirst: boolean) {
  const { exclusive } = yield* Supervisor
  const instance = yield* NginxInstance
  const lookAround = Effect.tap(scanOutside(instance, watch.outsideHashes, watch.builds), () =>
    Effect.sync(() => watch.outsideHashes.endRound())
  )
  const carefully = (outside: OutsideFacts | null) =>
    exclusive(Effect.andThen(followSettled(watch, outside), act(watch)))
  const isWell = Effect.fnUntraced(function* (outside: OutsideFacts | null) {
    const findings = yield* look(watch, yield* followSettled(watch, outside))
    if (findings.length === 0) yield* well(watch.tree)
    return findings.length === 0
  })
  const outside = yield* lookAround
  const toDeploy = isFirst || !(yield* isWell(outside)) ? yield* carefully(outside) : null
  if (toDeploy !== null) {
    const failure = yield* deployAnew
    const { drift, signature } = toDeploy
    yield* show(watch, watch.tree, signature, drift(failure === null ? "reverted" : "revert_failed"), failure)
  }
  if (watch.settled !== null) yield* lookOutside(watch, watch.settled, outside)
})
