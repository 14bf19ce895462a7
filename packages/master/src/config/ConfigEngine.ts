/**
 * What every agent should have. Follows the state through `Events`, so an answer given after a command was accepted
 * contains it; says at once whose bundle became another one.
 */
import type { Preview, PreviewDraft } from "@nxmesh/protocol/api/Preview"
import type { AgentId, Generation } from "@nxmesh/protocol/Ids"
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { ConfigVersion, VersionDiff } from "@nxmesh/protocol/model/ConfigVersion"
import type { VersionedKind } from "@nxmesh/protocol/model/ResourceKind"
import type { Template } from "@nxmesh/protocol/model/Template"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { ResourceDraft } from "@nxmesh/protocol/peer/AgentMessage"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Context, Effect, Layer, Semaphore } from "effect"
import { Limits } from "../Limits.ts"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"
import { AgentNotFound, BundleError } from "./BundleError.ts"
import { type CatalogueFollower, followState } from "./CatalogueFollower.ts"
import { makeBundleMaker } from "./BundleMaker.ts"
import { resourcesOf, withDrafts } from "./Drafts.ts"
import { type GenerationVersions, manifestFrom, versionsOf } from "./GenerationVersions.ts"
import type { Manifest } from "./Manifest.ts"
import { previewOf } from "./Preview.ts"
import { RecentManifests } from "./RecentManifests.ts"
import { hostTemplateProblems, templateUseProblems } from "./TemplateUse.ts"
import { versionDiffOf } from "./VersionDiff.ts"

export interface DraftedUpdate {
  readonly update: BundleUpdate
  /** False when the agent gets none of the drafts, and loses nothing by them. */
  readonly touched: boolean
}

export class ConfigEngine extends Context.Service<
  ConfigEngine,
  {
    /** Index of an entry that every answer given after this one contains. */
    readonly index: Effect.Effect<number>
    readonly generation: (agentId: AgentId) => Effect.Effect<Generation, AgentNotFound>
    readonly bundle: (agentId: AgentId) => Effect.Effect<Bundle, BundleError>
    /** One that was the agent's not long ago, or is now; `undefined` when it is forgotten. The caller knows whose it is. */
    readonly bundleOf: (agentId: AgentId, generation: Generation) => Effect.Effect<Bundle | undefined, BundleError>
    /** The bundle with what it takes to get there from what the agent has. */
    readonly update: (agentId: AgentId, have: Generation | null) => Effect.Effect<BundleUpdate, BundleError>
    /**
     * Calls back, in the order of the log, whenever bundles change, for as long as the scope lasts. The callback must
     * not wait for anything: it notes what it hears.
     */
    readonly listen: CatalogueFollower["listen"]
    /**
     * Version numbers by bundle key of a generation that an agent settled with, to be recorded with the first outcome
     * that says so; `undefined` when that was done, or cannot be.
     */
    readonly versionsToRecord: (generation: Generation) => Effect.Effect<GenerationVersions | undefined>
    readonly preview: (agentId: AgentId, drafts: ReadonlyArray<PreviewDraft>) => Effect.Effect<Preview, AgentNotFound>
    /** What it takes to get from what the agent has to what it should have if the drafts were saved. */
    readonly draftedUpdate: (
      agentId: AgentId,
      drafts: ReadonlyArray<ResourceDraft>,
      have: Generation | null
    ) => Effect.Effect<DraftedUpdate, BundleError>
    readonly versionDiff: (kind: VersionedKind, from: ConfigVersion, to: ConfigVersion) => Effect.Effect<VersionDiff>
    /** Hosts that would not be rendered any more if the template were saved; empty when all would. */
    readonly templateProblems: (template: Template) => Effect.Effect<ReadonlyArray<ErrorDetail>>
    /** Why the host's custom template cannot render it; empty when it can. */
    readonly hostProblems: (host: VirtualHost) => Effect.Effect<ReadonlyArray<ErrorDetail>>
  }
>()("@nxmesh/master/config/ConfigEngine") {
  static readonly layer = Layer.effect(
    ConfigEngine,
    Effect.gen(function* () {
      const reads = yield* Reads
      const maker = yield* makeBundleMaker
      const follower = yield* followState(reads, yield* Events)
      const { catchUp } = follower
      const rendering = yield* Semaphore.make(1)
      const recent = new RecentManifests({
        manifestsMax: Limits.config.manifestsKept,
        entriesMax: Limits.config.manifestEntriesKept
      })
      const recorded = new Set<Generation>()

      const manifestOf = Effect.fnUntraced(function* (agentId: AgentId) {
        yield* catchUp
        const manifest = follower.catalogue().manifestOf(agentId)
        return manifest ?? (yield* new AgentNotFound({ agentId }))
      })
      const remembered = (agentId: AgentId) =>
        manifestOf(agentId).pipe(Effect.tap((manifest: Manifest) => Effect.sync(() => recent.remember(manifest))))

      /** Put together again from the history of its resources. */
      const pastManifest = Effect.fnUntraced(function* (generation: Generation) {
        const versions = (yield* reads.generation(generation))?.manifest ?? null
        const manifest =
          versions === null ? undefined : yield* manifestFrom(reads, follower.catalogue(), generation, versions)
        if (manifest !== undefined) recent.remember(manifest)
        return manifest
      })

      return ConfigEngine.of({
        // An entry without events moves the state, not the follower: what was applied before catching up is contained.
        index: Effect.flatMap(reads.appliedIndex, (applied) =>
          Effect.map(catchUp, () => Math.max(applied, follower.index()))
        ),
        generation: (agentId) => Effect.map(manifestOf(agentId), ({ generation }) => generation),
        bundle: (agentId) =>
          remembered(agentId).pipe(
            Effect.flatMap(maker.bundle),
            Effect.mapError((reason) => new BundleError({ reason }))
          ),
        bundleOf: (agentId, generation) =>
          remembered(agentId).pipe(
            Effect.flatMap((manifest) => {
              const wanted = manifest.generation === generation ? manifest : recent.get(generation)
              return wanted === undefined ? Effect.succeed(undefined) : maker.bundle(wanted)
            }),
            Effect.mapError((reason) => new BundleError({ reason }))
          ),
        update: (agentId, have) =>
          remembered(agentId).pipe(
            Effect.flatMap((manifest) => maker.update(manifest, have === null ? undefined : recent.get(have))),
            Effect.mapError((reason) => new BundleError({ reason }))
          ),
        listen: follower.listen,
        versionsToRecord: Effect.fnUntraced(function* (generation: Generation) {
          const manifest = recent.get(generation)
          if (manifest === undefined || recorded.has(generation)) return undefined
          recorded.add(generation)
          const [oldest] = recorded
          if (recorded.size > Limits.config.generationsRecordedKept && oldest !== undefined) recorded.delete(oldest)
          return yield* versionsOf(reads, follower.catalogue(), manifest)
        }),
        preview: Effect.fn("ConfigEngine.preview")(function* (agentId: AgentId, drafts: ReadonlyArray<PreviewDraft>) {
          const manifest = yield* manifestOf(agentId)
          const agent = yield* reads.get("agent", agentId)
          const catalogue = follower.catalogue()
          const target = catalogue.agent(agentId)
          if (agent === undefined || target === undefined) return yield* new AgentNotFound({ agentId })
          const last = yield* reads.lastDeployment(agentId)
          const serving = last?.serving_generation ?? null
          return yield* previewOf({
            agent: target,
            nginx: agent.facts?.nginx ?? null,
            catalogue,
            manifest,
            drafts,
            serving,
            base: serving === null ? undefined : (recent.get(serving) ?? (yield* pastManifest(serving)))
          }).pipe(rendering.withPermit)
        }),
        draftedUpdate: Effect.fn("ConfigEngine.draftedUpdate")(function* (agentId, drafts, have) {
          const manifest = yield* manifestOf(agentId).pipe(Effect.mapError((reason) => new BundleError({ reason })))
          const catalogue = follower.catalogue()
          const target = catalogue.agent(agentId)
          if (target === undefined) return yield* new BundleError({ reason: new AgentNotFound({ agentId }) })
          const drafted = withDrafts(catalogue, target, resourcesOf(drafts))
          const base = have === null ? undefined : recent.get(have)
          const update = yield* maker
            .update(drafted.manifest, base)
            .pipe(Effect.mapError((reason) => new BundleError({ reason })))
          return { update, touched: drafted.reached || drafted.manifest.generation !== manifest.generation }
        }),
        versionDiff: (kind, from, to) =>
          catchUp.pipe(
            Effect.andThen(() => versionDiffOf({ catalogue: follower.catalogue(), kind, from, to })),
            rendering.withPermit
          ),
        templateProblems: (template) =>
          catchUp.pipe(
            Effect.andThen(() => templateUseProblems(follower.catalogue(), template)),
            rendering.withPermit
          ),
        hostProblems: (host) => Effect.map(catchUp, () => hostTemplateProblems(follower.catalogue(), host))
      })
    })
  )
}
