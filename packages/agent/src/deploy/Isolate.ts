/**
 * What follows when a tree is refused before the swap. The culprit is named, by nginx or by a search; where the policy says
 * so it is left out, and the deployment goes on with the rest. A version of it that served before serves on.
 */
import { Duration, Effect } from "effect"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { DeploymentError } from "@nxmesh/protocol/model/Deployment"
import { Limits } from "../Limits.ts"
import type { NginxError } from "../nginx/NginxError.ts"
import * as CulpritTests from "./CulpritTests.ts"
import { exclude, isWorthServing, keyOf, type Quarantine, reduce } from "./Quarantine.ts"
import * as TreeTest from "./TreeTest.ts"
import type { RenderFailure } from "./TreeRenderer.ts"
import { untrustedHosts } from "./Untrusted.ts"
import { type Isolation, StepFailed, type Work } from "./Work.ts"

/** The error with one more sentence. */
const adding = (error: DeploymentError, more: string): StepFailed =>
  new StepFailed({
    error: { ...error, message: `${error.message}; ${more}`.slice(0, WireLimits.deploymentErrorCharactersMax) }
  })

/** What a test of the work's tree has to know. */
export const candidateOf = ({ attempt, files, isolation, quarantine }: Work): TreeTest.Candidate => ({
  directory: attempt.directory,
  live: attempt.previous.directory,
  deploymentId: attempt.deploymentId,
  files,
  untrusted: untrustedHosts([
    ...(isolation?.bundle.resources ?? []),
    ...quarantine.flatMap(({ instead }) => (instead === null ? [] : [instead]))
  ])
})

/** Each problem of the renderer, in the form of an outcome. */
export const renderRefusals = (failure: RenderFailure): ReadonlyArray<DeploymentError> =>
  (failure.all ?? [failure]).map(({ file, line, message, resource }) => ({
    step: "render",
    message: message.slice(0, WireLimits.deploymentErrorCharactersMax),
    file,
    line,
    resource
  }))

const search = (
  tester: TreeTest.Tester,
  work: Work,
  isolation: Isolation,
  refusal: DeploymentError,
  culpritsMax: number
) =>
  CulpritTests.find({
    tester,
    candidate: candidateOf(work),
    refusal,
    bundle: isolation.bundle,
    suspects: isolation.suspects,
    culpritsMax
  })

/** The policy is to refuse: names the culprit where nginx did not. */
const nameOnly = Effect.fnUntraced(function* (
  tester: TreeTest.Tester,
  work: Work,
  isolation: Isolation,
  refusal: DeploymentError
): Effect.fn.Return<never, NginxError | FileError | StepFailed> {
  if (refusal.resource !== null || refusal.step === "render") return yield* new StepFailed({ error: refusal })
  const [culprit] = (yield* search(tester, work, isolation, refusal, 1)).culprits
  return yield* new StepFailed({ error: culprit?.error ?? refusal })
})

/** Who is to be left out: named by the renderer, or found by tests. */
const culpritsOf = Effect.fnUntraced(function* (
  tester: TreeTest.Tester,
  work: Work,
  isolation: Isolation,
  refusal: DeploymentError
): Effect.fn.Return<ReadonlyArray<DeploymentError>, NginxError | FileError | StepFailed> {
  if (refusal.step === "render") return work.refusals
  const { culprits, ended } = yield* search(tester, work, isolation, refusal, WireLimits.quarantinedMax)
  switch (ended) {
    case "all":
      return culprits.map(({ error }) => error)
    case "hopeless":
      return yield* new StepFailed({ error: refusal })
    case "enough":
      return yield* adding(
        refusal,
        `more than ${WireLimits.quarantinedMax} resources are refused, so nothing is left out`
      )
    case "cut_short":
      return yield* adding(
        culprits[0]?.error ?? refusal,
        `nothing is left out, because the search for all that nginx refuses took longer than ${Duration.format(Limits.isolationTimeout)}`
      )
  }
})

const excludeAll = (
  left: Quarantine,
  errors: ReadonlyArray<DeploymentError>,
  { bundle, good }: Isolation
): Quarantine | null => {
  let quarantine = left
  for (const error of errors) {
    const more = error.resource === null ? null : exclude(quarantine, keyOf(error.resource), { bundle, good, error })
    quarantine = more ?? quarantine
  }
  return quarantine === left ? null : quarantine
}

/** Renders what is left, leaving out what cannot be rendered either. */
const renderRest = Effect.fnUntraced(function* (
  work: Work,
  isolation: Isolation,
  refusal: DeploymentError,
  errors: ReadonlyArray<DeploymentError>
): Effect.fn.Return<void, FileError | StepFailed> {
  let found = errors
  for (;;) {
    const quarantine = excludeAll(work.quarantine, found, isolation)
    if (quarantine === null) return yield* new StepFailed({ error: found[0] ?? refusal })
    const { bundle, reasons } = reduce(isolation.bundle, quarantine)
    if (!isWorthServing(isolation.bundle, bundle)) {
      return yield* adding(refusal, "without what is refused nothing would be left to serve")
    }
    if (reasons.length > WireLimits.quarantinedMax) {
      return yield* adding(refusal, `it would leave out more than ${WireLimits.quarantinedMax} resources`)
    }
    work.quarantine = quarantine
    work.quarantined = reasons
    const rendered = yield* Effect.result(work.render(work.attempt.directory, bundle))
    if (rendered._tag === "Success") {
      work.files = rendered.success.files
      work.warnings.push(...rendered.success.warnings)
      return
    }
    if (rendered.failure._tag === "FileError") return yield* rendered.failure
    found = renderRefusals(rendered.failure)
  }
})

/** Leaves the work with another tree to stage and test, or fails with the best that is known of why it is refused. */
export const run = Effect.fn("Isolate.run")(function* (
  tester: TreeTest.Tester,
  work: Work
): Effect.fn.Return<void, NginxError | FileError | StepFailed> {
  const { failure, isolation, refusals } = work
  const [refusal] = refusals
  if (isolation === null || refusal === undefined) {
    if (failure === null) return yield* Effect.die(new Error("nothing failed that could be isolated"))
    return yield* new StepFailed({ error: failure })
  }
  if (!isolation.leavesOut) return yield* nameOnly(tester, work, isolation, refusal)
  work.isolations += 1
  if (work.isolations > Limits.isolationsMax) return yield* new StepFailed({ error: refusal })
  yield* renderRest(work, isolation, refusal, yield* culpritsOf(tester, work, isolation, refusal))
})
