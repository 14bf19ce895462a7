/** The disk of this master's data, looked at from time to time. */
import { Context, Effect, Layer } from "effect"
import { Limits } from "../Limits.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { isShort } from "./DiskAlarm.ts"
import { type DiskUse, diskUse } from "./DiskUse.ts"

export interface OwnDisk extends DiskUse {
  /** Too little is left: see DiskAlarm. */
  readonly isShort: boolean
}

export class Disk extends Context.Service<
  Disk,
  {
    /** May be some seconds old; `null`: it cannot be read, which the log tells. */
    readonly use: Effect.Effect<OwnDisk | null>
  }
>()("@nxmesh/master/cluster/Disk") {
  static readonly layer = Layer.effect(
    Disk,
    Effect.gen(function* () {
      const { path } = yield* DataDirectory
      let wasShort = false
      const look = diskUse(path).pipe(
        Effect.map((use): OwnDisk => {
          wasShort = isShort(wasShort, use)
          return { ...use, isShort: wasShort }
        }),
        Effect.catch((error) => Effect.as(Effect.logWarning(error.message), null))
      )
      return Disk.of({ use: yield* Effect.cachedWithTTL(look, Limits.cluster.diskUseKept) })
    })
  )
}
