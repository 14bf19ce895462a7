/** Which kept generation is gone back to when nginx cannot live with the one that settled, and what the masters are told of it. */
import { Effect } from "effect"
import type { DeploymentId } from "@nxmesh/protocol/Ids"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { Served } from "./Attempt.ts"
import { emptyBundle } from "./Baseline.ts"
import { sequenceOf } from "./DirectoryName.ts"
import * as GenerationDirectory from "./GenerationDirectory.ts"
import * as KeptGeneration from "./KeptGeneration.ts"

/** Directories made before one, the newest first. Pure. */
export const madeBefore = (names: ReadonlyArray<string>, directory: string): ReadonlyArray<string> =>
  names
    .filter((name) => (sequenceOf(name) ?? Infinity) < (sequenceOf(directory) ?? 0))
    .toSorted((a, b) => (sequenceOf(b) ?? 0) - (sequenceOf(a) ?? 0))

/**
 * The newest kept tree of another generation; `null` when there is none. The empty one does not count: an nginx that serves
 * nobody's site helps nobody.
 */
export const find = Effect.fnUntraced(function* (
  confDirectory: string,
  served: Served
): Effect.fn.Return<Served | null, FileError> {
  for (const name of madeBefore(yield* GenerationDirectory.list(confDirectory), served.directory)) {
    const kept = yield* KeptGeneration.find(confDirectory, name)
    const isOther = kept !== null && kept.generation !== served.generation && kept.generation !== emptyBundle.generation
    if (isOther) return kept
  }
  return null
})

/** The generation that was left counts as rolled back, so that no master sends it again at once. Pure. */
export const told = (
  outcome: DeploymentOutcome,
  left: Served,
  id: DeploymentId,
  reason: string
): DeploymentOutcome => ({
  ...outcome,
  id,
  generation: left.generation,
  status: "rolled_back",
  serving_after_millis: null,
  settled_after_millis: null,
  error: {
    step: "prove",
    message: reason.slice(0, WireLimits.deploymentErrorCharactersMax),
    file: null,
    line: null,
    resource: null
  }
})
