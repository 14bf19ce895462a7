/**
 * Keeps `masters.json`: where the other masters are, as this one heard last. Should the log and the state be damaged, it
 * knows whom to ask for its own place.
 */
import { Effect, Layer, Stream } from "effect"
import { Commands } from "../command/Commands.ts"
import { mastersFile } from "../consensus/RejoinFiles.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"
import { changesMasters } from "./MembershipTask.ts"

const remember = Effect.gen(function* () {
  const reads = yield* Reads
  const { path } = yield* DataDirectory
  const applied = yield* (yield* Events).subscribe
  const write = Effect.gen(function* () {
    const masters = yield* reads.masters
    if (masters.length > 0) yield* mastersFile.write(path, masters)
  }).pipe(
    Effect.catchCause((cause) => Effect.logError("masters.json is not up to date: it could not be written", cause))
  )
  // Before the state has caught up, a table may be old, and an empty one says nothing.
  yield* Commands.use(({ caughtUp }) => caughtUp)
  yield* write
  yield* Stream.fromQueue(applied).pipe(
    Stream.filter(changesMasters),
    Stream.runForEach(() => write)
  )
})

export const layerRememberMasters = Layer.effectDiscard(Effect.forkScoped(remember))
