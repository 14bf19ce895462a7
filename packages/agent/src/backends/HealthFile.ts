/** How probed servers were, kept for a restart of the agent: a server that was left out stays so until it passes its checks. */
import { Effect, Option, Schema } from "effect"
import { join } from "node:path"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { ServerHealth } from "../probe/ServerHealth.ts"

const Kept = Schema.fromJsonString(
  Schema.Record(
    Schema.String,
    Schema.Struct({
      state: Schema.Literals(["healthy", "unhealthy"]),
      sinceMillis: Schema.Finite,
      recoveredAtMillis: Schema.NullOr(Schema.Finite),
      relapses: Schema.Int,
      reason: Schema.String
    })
  )
)

export type KnownHealth = ReadonlyMap<string, ServerHealth>

const pathIn = (dataDirectory: string): string => join(dataDirectory, "backends.json")

/** By `backendKey`. A file that cannot be read costs what it knew: every server is healthy until it fails. */
export const read = Effect.fnUntraced(function* (dataDirectory: string): Effect.fn.Return<KnownHealth> {
  const bytes = yield* Effect.orElseSucceed(AtomicFile.readIfExists(pathIn(dataDirectory)), () => null)
  if (bytes === null) return new Map()
  const decoded = Schema.decodeUnknownOption(Kept)(new TextDecoder().decode(bytes))
  const servers = Object.entries(Option.getOrElse(decoded, () => ({}) as typeof Kept.Type))
  return new Map(servers.map(([key, health]) => [key, { ...health, against: 0 }]))
})

export const write = (dataDirectory: string, known: KnownHealth): Effect.Effect<void> => {
  const told = [...known].filter(([, health]) => health.state === "unhealthy" || health.recoveredAtMillis !== null)
  return Effect.catch(
    AtomicFile.write(pathIn(dataDirectory), Schema.encodeSync(Kept)(Object.fromEntries(told))),
    (error) => Effect.logWarning(`the health of upstream servers is not kept for a restart: ${error.message}`)
  )
}
