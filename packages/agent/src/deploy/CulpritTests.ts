/**
 * Finds the resources that nginx refuses in a staged tree that is not live: carries out what `CulpritSearch` wants tested. A
 * part is tested by renaming in the tree's own directory what is left out of it, so thousands of files need not be written
 * again, and what a crash leaves is a directory that the next start removes anyway.
 */
import { Clock, Duration, Effect } from "effect"
import { rename } from "node:fs/promises"
import { join } from "node:path"
import { FileError } from "@nxmesh/core/file/FileError"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { DeploymentError } from "@nxmesh/protocol/model/Deployment"
import { Limits } from "../Limits.ts"
import type { NginxError } from "../nginx/NginxError.ts"
import * as CulpritSearch from "./CulpritSearch.ts"
import { keyOf, requirementsOf, upstreamsOf } from "./Quarantine.ts"
import * as TreeTest from "./TreeTest.ts"

export interface Question {
  readonly tester: TreeTest.Tester
  /** Staged, and refused as it is. */
  readonly candidate: TreeTest.Candidate
  /** What nginx says of all of it. */
  readonly refusal: DeploymentError
  readonly bundle: Bundle
  readonly suspects: ReadonlySet<string>
  /** The search ends with so many. */
  readonly culpritsMax: number
}

export interface Found {
  /** Each with the resource in its error. */
  readonly culprits: ReadonlyArray<CulpritSearch.Culprit<DeploymentError>>
  /**
   * all: nginx takes the rest. hopeless: it takes nothing, so no resource is at fault. enough: the first ones only.
   * cut_short: the time was over.
   */
  readonly ended: "all" | "hopeless" | "enough" | "cut_short"
}

const unitOf = ({ path, resource }: RenderedFile): CulpritSearch.Unit | null =>
  resource !== null && path.endsWith(".conf") ? keyOf(resource) : null

const unitsOf = (files: ReadonlyArray<RenderedFile>): ReadonlyArray<CulpritSearch.Unit> => [
  ...new Set(files.map(unitOf).filter((unit) => unit !== null))
]

/** What each host needs. An upstream needs nothing, and certificates and templates are no parts of their own. */
const requirements = (bundle: Bundle): CulpritSearch.Search<unknown>["requires"] => {
  const upstreams = upstreamsOf(bundle)
  const byHost = new Map<string, ReadonlyArray<string>>()
  for (const resource of bundle.resources) {
    if (resource._tag === "virtual_host") byHost.set(resource.key, requirementsOf(resource.data, upstreams))
  }
  return (unit) => byHost.get(unit) ?? []
}

const verdictOf = (refusal: DeploymentError | null): CulpritSearch.Verdict<DeploymentError> =>
  refusal === null
    ? { passed: true }
    : { passed: false, error: refusal, blamed: refusal.resource === null ? null : keyOf(refusal.resource) }

/** nginx includes `http/*.conf`: a file of another name is not there for it. */
const aside = (path: string): string => `${path}.left-out`

/** Makes of a staged tree the part that holds only some units, and again another one. */
const makeParts = (root: string, files: ReadonlyArray<RenderedFile>) => {
  const out = new Set<string>()
  return (units: ReadonlySet<CulpritSearch.Unit>): Effect.Effect<ReadonlyArray<RenderedFile>, FileError> =>
    Effect.tryPromise({
      try: async () => {
        for (const file of files) {
          const unit = unitOf(file)
          const path = join(root, file.path)
          const isWanted = unit === null || units.has(unit)
          if (isWanted === !out.has(path)) continue
          if (isWanted) {
            await rename(aside(path), path)
            out.delete(path)
          } else {
            await rename(path, aside(path))
            out.add(path)
          }
        }
        return files.filter(({ path }) => !out.has(join(root, path)))
      },
      catch: (cause) => new FileError({ operation: "leave files out of", path: root, cause })
    })
}

/** A culprit that no error named is named here. */
const named = (files: ReadonlyArray<RenderedFile>, { error, unit }: CulpritSearch.Culprit<DeploymentError>) => {
  if (error.resource !== null) return { unit, error }
  const file = files.find((one) => unitOf(one) === unit)
  return { unit, error: { ...error, resource: file?.resource ?? null, file: error.file ?? file?.path ?? null } }
}

/** Leaves the directory with parts of the tree left out. */
export const find = Effect.fn("CulpritTests.find")(function* ({
  bundle,
  candidate,
  culpritsMax,
  refusal,
  suspects,
  tester
}: Question): Effect.fn.Return<Found, NginxError | FileError> {
  const { files } = candidate
  const whole = verdictOf(refusal)
  if (whole.passed) return { culprits: [], ended: "all" }
  const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(Limits.isolationTimeout)
  const makePart = makeParts(join(tester.instance.confDirectory, candidate.directory), files)
  let search = CulpritSearch.begin({ units: unitsOf(files), requires: requirements(bundle), whole, suspects })
  const end = (ended: Found["ended"]): Found => ({
    ended,
    culprits: search.culprits.map((culprit) => named(files, culprit))
  })
  for (;;) {
    const part = CulpritSearch.next(search)
    if (search.hopeless !== null) return end("hopeless")
    if (part === null) return end("all")
    if (search.isGoodTested && search.culprits.length >= culpritsMax) return end("enough")
    if (search.culprits.length > WireLimits.quarantinedMax) return end("enough")
    if ((yield* Clock.currentTimeMillis) > deadline) return end("cut_short")
    const tested = yield* TreeTest.run(tester, { ...candidate, files: yield* makePart(new Set(part)) })
    search = CulpritSearch.advance(search, verdictOf(tested.refusal))
  }
})
