/** Tries what a change would make of this agent's configuration, before anybody commits to it. Nothing live is touched. */
import { Context, Effect, Layer } from "effect"
import { join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import type { DeploymentError } from "@nxmesh/protocol/model/Deployment"
import { resolveUpdate } from "../bundle/BundleUpdates.ts"
import { HeldBundle } from "../bundle/HeldBundle.ts"
import * as CulpritTests from "../deploy/CulpritTests.ts"
import * as GenerationDirectory from "../deploy/GenerationDirectory.ts"
import { renderRefusals } from "../deploy/Isolate.ts"
import { exclude, keyOf, type Quarantine, reduce } from "../deploy/Quarantine.ts"
import { scratchName } from "../deploy/Scratch.ts"
import { TreeMemory } from "../deploy/TreeMemory.ts"
import { type Rendering, TreeRenderer } from "../deploy/TreeRenderer.ts"
import * as TreeTest from "../deploy/TreeTest.ts"
import { untrustedHosts } from "../deploy/Untrusted.ts"
import * as TreeWriter from "../deploy/TreeWriter.ts"
import type { NginxError } from "../nginx/NginxError.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import { Sandbox } from "../nginx/Sandbox.ts"
import { Supervisor } from "../nginx/Supervisor.ts"
import * as Validation from "../nginx/Validation.ts"

export interface PreflightReport {
  /** False when nothing could be tried; the one error says why. */
  readonly tested: boolean
  /** Every culprit that was found, each with nginx's own words; none when nginx would take the configuration. */
  readonly errors: ReadonlyArray<DeploymentError>
  readonly warnings: ReadonlyArray<string>
}

const untested = (message: string): PreflightReport => ({
  tested: false,
  errors: [
    {
      step: "render",
      message: message.slice(0, WireLimits.deploymentErrorCharactersMax),
      file: null,
      line: null,
      resource: null
    }
  ],
  warnings: []
})

export class Preflight extends Context.Service<
  Preflight,
  {
    /** Waits for a deployment in flight: a test must see a live tree that stands still. */
    readonly run: (update: BundleUpdate) => Effect.Effect<PreflightReport>
  }
>()("@nxmesh/agent/preflight/Preflight") {
  static readonly layer = Layer.effect(
    Preflight,
    Effect.suspend(() => make)
  )
  static readonly layerNone = Layer.succeed(
    Preflight,
    Preflight.of({ run: () => Effect.succeed(untested("this agent cannot test a change beforehand")) })
  )
}

interface Rendered {
  readonly rendering: Rendering | null
  /** What cannot be rendered, and is not in it. */
  readonly errors: ReadonlyArray<DeploymentError>
}

/** Renders all that can be, so that one mistake does not hide the next. */
const renderRest = Effect.fnUntraced(function* (
  renderer: TreeRenderer["Service"],
  bundle: Bundle,
  place: { readonly directory: string; readonly deploymentId: string }
): Effect.fn.Return<Rendered> {
  const errors: Array<DeploymentError> = []
  let quarantine: Quarantine = []
  for (;;) {
    const reduced = reduce(bundle, quarantine).bundle
    const rendered = yield* Effect.result(renderer.render({ bundle, reduced, ...place }))
    if (rendered._tag === "Success") return { rendering: rendered.success, errors }
    const before = quarantine
    for (const error of renderRefusals(rendered.failure)) {
      errors.push(error)
      const key = error.resource === null ? null : keyOf(error.resource)
      quarantine = (key === null ? null : exclude(quarantine, key, { bundle, good: () => null, error })) ?? quarantine
    }
    if (quarantine === before) return { rendering: null, errors }
  }
})

const make = Effect.gen(function* () {
  const held = yield* HeldBundle
  const instance = yield* NginxInstance
  const renderer = yield* TreeRenderer
  const { ensureRunning, exclusive } = yield* Supervisor
  const { uuid } = yield* Identifiers
  const validationMode = yield* Validation.detectMode
  const tester: TreeTest.Tester = { instance, ensureRunning, validationMode, sandbox: yield* Sandbox }
  const { confDirectory } = instance

  const test = Effect.fnUntraced(function* (
    bundle: Bundle,
    rendering: Rendering,
    directory: string,
    deploymentId: string
  ): Effect.fn.Return<PreflightReport, NginxError | FileError> {
    const live = yield* GenerationDirectory.current(confDirectory)
    if (live === null) return untested("nothing is deployed here yet, and nginx's own configuration includes nothing")
    const { files, warnings } = rendering
    // Nothing is linked from the live tree, whose watchers would see it.
    yield* TreeWriter.write(join(confDirectory, directory), null, files, new TreeMemory())
    const untrusted = untrustedHosts(bundle.resources)
    const candidate: TreeTest.Candidate = { directory, live, deploymentId, files, untrusted }
    const tested = yield* TreeTest.run(tester, candidate)
    const { refusal } = tested
    if (refusal === null) return { tested: true, errors: [], warnings: [...warnings, ...tested.warnings] }
    const question = { tester, candidate, refusal, bundle, suspects: new Set<string>() }
    const found = yield* CulpritTests.find({ ...question, culpritsMax: WireLimits.actionErrorsMax })
    const errors = found.culprits.map(({ error }) => error)
    return { tested: true, errors: errors.length === 0 ? [refusal] : errors, warnings }
  })

  const attempt = Effect.fnUntraced(function* (bundle: Bundle) {
    const id = yield* uuid
    const directory = scratchName(id)
    const { errors, rendering } = yield* renderRest(renderer, bundle, { directory, deploymentId: id })
    if (rendering === null) return { tested: true, errors, warnings: [] }
    const report = yield* Effect.ensuring(
      test(bundle, rendering, directory, id),
      Effect.catch(GenerationDirectory.remove(confDirectory, directory), (error) =>
        Effect.logWarning(`a tree that was only tried is left behind: ${error.message}`)
      )
    )
    return { ...report, errors: [...errors, ...report.errors] }
  })

  return Preflight.of({
    run: Effect.fn("Preflight.run")(function* (update: BundleUpdate) {
      const bundle = resolveUpdate(yield* held.latest, update)
      if (bundle === null) return untested("the change is described against a bundle that this agent does not hold")
      const report = yield* exclusive(
        attempt(bundle).pipe(Effect.catch((error) => Effect.succeed(untested(error.message))))
      )
      return { ...report, errors: report.errors.slice(0, WireLimits.actionErrorsMax) }
    })
  })
})
