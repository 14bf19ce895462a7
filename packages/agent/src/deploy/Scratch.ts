/** Directories in the configuration directory that are only tried. No include of nginx matches their hidden names. */
import { Effect } from "effect"
import type { FileError } from "@nxmesh/core/file/FileError"
import * as GenerationDirectory from "./GenerationDirectory.ts"

const prefix = ".nxmesh-preflight-"

export const scratchName = (id: string): string => `${prefix}${id}`

/** Removes what a crash left of them. */
export const clear = Effect.fnUntraced(function* (confDirectory: string): Effect.fn.Return<void, FileError> {
  const names = yield* Effect.catch(GenerationDirectory.list(confDirectory), (error) =>
    error.code === "ENOENT" ? Effect.succeed([]) : Effect.fail(error)
  )
  for (const name of names.filter((one) => one.startsWith(prefix)))
    yield* GenerationDirectory.remove(confDirectory, name)
})
