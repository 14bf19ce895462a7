/**
 * How far each log was read, for the next start. Written beside its place and renamed over it, without a sync: what a power cut
 * takes is read twice.
 */
import { Data, Effect, Option, Schema } from "effect"
import { mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { LogPosition } from "./LogPosition.ts"

const Kept = Schema.Record(Schema.String, Schema.Array(LogPosition))
type Kept = typeof Kept.Type
const KeptText = Schema.fromJsonString(Kept)

export class PositionsNotKept extends Data.TaggedError("PositionsNotKept")<{
  readonly path: string
  readonly cause: unknown
}> {
  override get message(): string {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `how far logs were read is not kept in ${this.path}: ${why}; a restart will read some lines twice`
  }
}

export interface LogPositions {
  readonly of: (path: string) => ReadonlyArray<LogPosition>
  readonly keep: (path: string, positions: ReadonlyArray<LogPosition>) => Effect.Effect<void, PositionsNotKept>
}

const read = (path: string): Effect.Effect<Kept> =>
  Effect.gen(function* () {
    const text = yield* Effect.promise(() => readFile(path, "utf8").catch(() => null))
    if (text === null) return {}
    const kept = Schema.decodeUnknownOption(KeptText)(text)
    if (Option.isSome(kept)) return kept.value
    yield* Effect.logWarning(`${path} cannot be read: the agent's own access log is read again from its beginning`)
    return {}
  })

/** One writer; saves follow one another. */
export const make = Effect.fnUntraced(function* (dataDirectory: string): Effect.fn.Return<LogPositions> {
  const path = join(dataDirectory, "log-positions.json")
  let kept = yield* read(path)
  let saved = JSON.stringify(kept)
  const lock = yield* Effect.sync(() => ({ tail: Promise.resolve() }))
  const save = async () => {
    const text = Schema.encodeSync(KeptText)(kept)
    if (text === saved) return
    await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
    await writeFile(`${path}.tmp`, text, { mode: 0o600 })
    await rename(`${path}.tmp`, path)
    saved = text
  }
  return {
    of: (log) => kept[log] ?? [],
    keep: (log, positions) =>
      Effect.tryPromise({
        try: () => {
          kept = { ...kept, [log]: positions }
          const turn = lock.tail.then(save)
          lock.tail = turn.catch(() => undefined) // its caller hears of it
          return turn
        },
        catch: (cause) => new PositionsNotKept({ path, cause })
      }).pipe(Effect.uninterruptible)
  }
})
