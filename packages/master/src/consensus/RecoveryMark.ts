/**
 * `recovery.json`: a restore or a recovery is under way in this data directory, or was cut short. Until it is gone there is
 * no whole master here, and none starts; running the same command again goes on, or begins anew.
 */
import { ClusterId, MasterId } from "@nxmesh/protocol/Ids"
import { Data, Effect, Layer, Schema } from "effect"
import { DataDirectory } from "../state/DataDirectory.ts"
import { fileOf } from "./IdentityFiles.ts"

const RecoveryMark = Schema.Struct({
  reason: Schema.Literals(["restored", "recovered"]),
  /** Which cluster and which master it becomes. */
  cluster_id: ClusterId,
  node_id: MasterId
})
export type RecoveryMark = typeof RecoveryMark.Type

export const recoveryMark = fileOf("recovery.json", RecoveryMark)

const commands = { restored: "nxmesh restore", recovered: "nxmesh cluster recover" } as const

/** The command that made the mark, and that goes on with it. */
export const commandOf = ({ reason }: Pick<RecoveryMark, "reason">): string => commands[reason]

export class RecoveryUnderWay extends Data.TaggedError("RecoveryUnderWay")<{
  readonly directory: string
  readonly command: string
}> {
  override get message() {
    return `${this.directory} is half made: \`${this.command}\` was cut short there. Run it again, then start the master`
  }
}

/** Nothing half made starts as a master. */
export const layerWholeDirectory = Layer.effectDiscard(
  Effect.gen(function* () {
    const { path: directory } = yield* DataDirectory
    const mark = yield* recoveryMark.read(directory)
    if (mark !== null) return yield* new RecoveryUnderWay({ directory, command: commandOf(mark) })
  })
)
