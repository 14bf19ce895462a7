/** The settled tree on disk, so that a start knows what was changed while the agent was down. It holds hashes, and no text of a key. */
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import { Effect, Option, Schema } from "effect"
import { join } from "node:path"
import { Limits } from "../Limits.ts"
import { SettledTree } from "./SettledTree.ts"

const Text = Schema.fromJsonString(SettledTree)
const pathIn = (dataDirectory: string): string => join(dataDirectory, "settled-tree.json")

/** `null` when there is none that can be read: then what lies there is taken for what settled. */
export const read = Effect.fnUntraced(function* (dataDirectory: string): Effect.fn.Return<SettledTree | null> {
  const path = pathIn(dataDirectory)
  const bytes = yield* Effect.catch(AtomicFile.readIfExists(path), (error) =>
    Effect.as(Effect.logWarning(`what settled last is not known: ${error.message}`), null)
  )
  if (bytes === null || bytes.length > Limits.settledTreeBytesMax) return null
  const known = Schema.decodeUnknownOption(Text)(new TextDecoder().decode(bytes))
  if (Option.isSome(known)) return known.value
  yield* Effect.logWarning(`${path} cannot be read: changes made while the agent was down are not found`)
  return null
})

/** A disk that fails costs only that a restart does not know what settled. */
export const write = (dataDirectory: string, tree: SettledTree): Effect.Effect<void> =>
  Effect.catch(AtomicFile.write(pathIn(dataDirectory), Schema.encodeSync(Text)(tree)), (error) =>
    Effect.logWarning(`what settled is not kept for a restart: ${error.message}`)
  )
