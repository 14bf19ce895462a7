/**
 * The tree that serves before any deployment: an empty one with the proof server, so that the first failure has something
 * to go back to. A configuration directory that outlived its journal is adopted instead: what its link names serves.
 */
import { DateTime, Effect } from "effect"
import { createHash } from "node:crypto"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Generation } from "@nxmesh/protocol/Ids"
import { type Bundle, generationText } from "@nxmesh/protocol/model/Bundle"
import type { Served } from "./Attempt.ts"
import type { Surroundings } from "./DeploymentSteps.ts"
import { directoryName, highestSequence } from "./DirectoryName.ts"
import * as GenerationDirectory from "./GenerationDirectory.ts"
import * as KeptGeneration from "./KeptGeneration.ts"
import type { Journal } from "./Journal.ts"
import type { RenderFailure } from "./TreeRenderer.ts"

export const emptyBundle: Bundle = {
  generation: Generation.make(createHash("sha256").update(generationText([])).digest("hex")),
  resources: []
}

const adopt = Effect.fnUntraced(function* (confDirectory: string): Effect.fn.Return<Served | null, FileError> {
  const directory = yield* GenerationDirectory.current(confDirectory)
  return directory === null ? null : yield* KeptGeneration.find(confDirectory, directory)
})

/** Makes sure that there is a settled tree and a link to it. */
export const establish = Effect.fn("Baseline.establish")(function* (
  around: Surroundings,
  journal: Journal
): Effect.fn.Return<Served, FileError | RenderFailure> {
  const { confDirectory } = around.instance
  yield* AtomicFile.makeDirectory(confDirectory, 0o755)
  const adopted = yield* adopt(confDirectory)
  const sequence = Math.max(journal.state().sequence, highestSequence(yield* GenerationDirectory.list(confDirectory)))
  if (adopted !== null) {
    yield* Effect.logInfo("adopted the generation that the link names", { directory: adopted.directory })
    yield* journal.record({ _tag: "Based", served: adopted, sequence })
    return adopted
  }
  const deploymentId = yield* around.newDeploymentId
  const directory = directoryName(yield* DateTime.now, sequence + 1)
  const { files } = yield* around.renderer.render({ bundle: emptyBundle, directory, deploymentId })
  yield* GenerationDirectory.stage(confDirectory, directory, null, files, around.treeMemory)
  const served: Served = { directory, deploymentId, generation: emptyBundle.generation }
  yield* GenerationDirectory.swap(confDirectory, directory)
  yield* journal.record({ _tag: "Based", served, sequence: sequence + 1 })
  return served
})
