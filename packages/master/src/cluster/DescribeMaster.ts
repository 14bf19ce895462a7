/**
 * Tells the cluster what this master is now, when that is not what the cluster has of it: its name, its addresses, its
 * version. They are settings, which change with a restart.
 */
import { describeRetry } from "@nxmesh/core/policy/Schedules"
import type { MasterDescription, StoredMaster } from "@nxmesh/protocol/model/Master"
import { MasterDescription as Description } from "@nxmesh/protocol/model/Master"
import { Effect, Schema } from "effect"
import { Commands } from "../command/Commands.ts"
import { Reads } from "../state/Reads.ts"

const same = Schema.toEquivalence(Description)

/** Pure: whether the cluster has to be told. A master that is not in the table is let in, or was removed, by others. */
export const isOutdated = (stored: ReadonlyArray<StoredMaster>, described: MasterDescription): boolean => {
  const own = stored.find(({ id }) => id === described.id)
  return own === undefined ? stored.length === 0 : !same(own, described)
}

/** Tries until it is done: at the start of a cluster no leader may be there yet. */
export const describeWhenChanged = Effect.fn("DescribeMaster")(
  function* (described: MasterDescription) {
    const commands = yield* Commands
    const reads = yield* Reads
    if (!isOutdated(yield* reads.masters, described)) return
    yield* commands.submit({
      principal: { _tag: "System", component: "cluster" },
      command: { _tag: "DescribeMaster", master: described }
    })
    yield* Effect.logInfo("told the cluster what this master is", { ...described })
  },
  Effect.retry({ schedule: describeRetry, while: (error) => error._tag === "CommandError" }),
  Effect.catch((error) =>
    Effect.logError(
      `the cluster keeps what it knew of this master: ${error.message}; change NXMESH_NODE_NAME or the advertised addresses`
    )
  )
)
