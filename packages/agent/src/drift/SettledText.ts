/**
 * The text of a settled file, from wherever its bytes still are: what the deployer remembers, the file itself, the other
 * generations, or the bundle rendered once more. Whatever has the settled hash is the settled text; nothing is taken on trust.
 */
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { Effect } from "effect"
import { join } from "node:path"
import { HeldBundle } from "../bundle/HeldBundle.ts"
import { sequenceOf } from "../deploy/DirectoryName.ts"
import { Deployer } from "../deploy/Deployer.ts"
import * as GenerationDirectory from "../deploy/GenerationDirectory.ts"
import { TreeRenderer } from "../deploy/TreeRenderer.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import { readRegular } from "./FileHashes.ts"
import type { SettledTree } from "./SettledTree.ts"

/** Rendered into a directory of no generation, so that nobody takes it for one. */
const scratchDirectory = ".nxmesh-drift"

export type FindText = (path: string) => Effect.Effect<string | null>

const rendered = Effect.fnUntraced(function* (settled: SettledTree) {
  const bundle = yield* (yield* HeldBundle).latest
  if (bundle === null || bundle.generation !== settled.generation) return new Map<string, string>()
  const { render } = yield* TreeRenderer
  const { files } = yield* Effect.catch(
    render({ bundle, directory: scratchDirectory, deploymentId: settled.deployment_id }),
    (error) => Effect.as(Effect.logWarning(`the held bundle cannot be rendered again: ${error.message}`), { files: [] })
  )
  return new Map(files.map(({ content, path }) => [path, content.replaceAll(scratchDirectory, settled.directory)]))
})

/** The finder of one round: the bundle is rendered at most once. */
export const finderOf = Effect.fnUntraced(function* (
  settled: SettledTree
): Effect.fn.Return<FindText, never, Deployer | HeldBundle | NginxInstance | TreeRenderer> {
  const { confDirectory } = yield* NginxInstance
  const remembered = yield* (yield* Deployer).settledFiles
  const names = yield* Effect.orElseSucceed(GenerationDirectory.list(confDirectory), (): ReadonlyArray<string> => [])
  const directories = [settled.directory, ...names.filter((name) => sequenceOf(name) !== null)]
  const renderedAgain = yield* Effect.cached(
    Effect.provideContext(rendered(settled), yield* Effect.context<HeldBundle | TreeRenderer>())
  )
  return Effect.fnUntraced(function* (path) {
    const file = settled.files[path]
    if (file === undefined) return null
    const isIt = (text: string | undefined): text is string => text !== undefined && sha256Hex(text) === file.sha256
    for (const text of [settled.identified[path], remembered.get(path)?.content]) if (isIt(text)) return text
    for (const directory of directories) {
      const text = readRegular(join(confDirectory, directory, path), file.bytes)?.bytes.toString("utf8")
      if (isIt(text)) return text
    }
    const text = (yield* renderedAgain).get(path)
    return isIt(text) ? text : null
  })
})
