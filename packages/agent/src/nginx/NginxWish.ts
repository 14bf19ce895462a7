/**
 * Whether nginx is wanted to run. A person may stop it (action `stop`); then the watchdog, deployments and repairs leave it so, also
 * after a restart of the agent, until it is started by an action, or by somebody else.
 */
import { Context, Effect, Layer, Option, Ref, Schema } from "effect"
import { join } from "node:path"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { ProcessIdentity } from "./ProcessTable.ts"

/** `master` is the one that was told to quit, and may still drain: any other that runs was started since, by somebody. */
const Stop = Schema.Struct({
  master: Schema.NullOr(Schema.Struct({ pid: Schema.Int, startTicks: Schema.String })),
  /** The unit that starts it again: it cannot be read from a process that has ended. */
  unit: Schema.NullOr(Schema.String)
})
export type Stop = typeof Stop.Type

const Kept = Schema.fromJsonString(Schema.Struct({ stop: Schema.NullOr(Stop) }))

export class NginxWish extends Context.Service<
  NginxWish,
  {
    readonly get: Effect.Effect<"running" | "stopped">
    /** How it was stopped; `null` while it is wanted to run. */
    readonly stop: Effect.Effect<Stop | null>
    /** Durable when it succeeds. Holds until the agent ends when the disk fails. */
    readonly set: (stop: Stop | null) => Effect.Effect<void, FileError>
  }
>()("@nxmesh/agent/nginx/NginxWish") {
  static readonly layer = (dataDirectory: string): Layer.Layer<NginxWish, FileError> =>
    Layer.effect(NginxWish, make(join(dataDirectory, "nginx-wish.json"), dataDirectory))
}

const make = Effect.fnUntraced(function* (path: string, dataDirectory: string) {
  const wish = yield* Ref.make(yield* read(path))
  const stop = Ref.get(wish)
  return NginxWish.of({
    stop,
    get: Effect.map(stop, (stopped) => (stopped === null ? ("running" as const) : ("stopped" as const))),
    set: Effect.fnUntraced(function* (next) {
      const before = yield* Ref.getAndSet(wish, next)
      if (before === null && next === null) return
      yield* AtomicFile.makeDirectory(dataDirectory)
      yield* AtomicFile.write(path, Schema.encodeSync(Kept)({ stop: next }))
    })
  })
})

/** What cannot be read wants nginx to run: that is what an agent is for. */
const read = Effect.fnUntraced(function* (path: string) {
  const bytes = yield* AtomicFile.readIfExists(path)
  if (bytes === null) return null
  const kept = Schema.decodeUnknownOption(Kept)(new TextDecoder().decode(bytes))
  if (Option.isSome(kept)) return kept.value.stop
  yield* Effect.logWarning(`${path} cannot be read: nginx is taken to be wanted`)
  return null
})

/** True when the master that runs is not the one that was stopped: somebody started nginx, and so wants it to run. Pure. */
export const isOver = (stop: Stop, running: ProcessIdentity | null): boolean =>
  running !== null && (running.pid !== stop.master?.pid || running.startTicks !== stop.master.startTicks)
