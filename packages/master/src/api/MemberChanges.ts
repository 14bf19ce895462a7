/** Which changes of the members the API lets through, and to whom leadership may go. Pure: the words of each refusal. */
import type { ApiError } from "@nxmesh/protocol/Errors"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Result } from "effect"
import { isAlive, type LiveStatus } from "../cluster/ClusterStatus.ts"
import { judgeChange, type MemberChange } from "../cluster/Quorum.ts"
import type { ResourceOf } from "../state/Kinds.ts"
import { refuse } from "./Refusal.ts"

type Stored = ResourceOf<"master">

const aliveIds = (live: LiveStatus): ReadonlySet<MasterId> =>
  new Set([...live.masters.values()].filter(isAlive).map(({ id }) => id))

const verbs = { Remove: "remove", Promote: "promote", Demote: "demote" } as const
const verbOf = (change: MemberChange): string =>
  verbs[change._tag === "Remove" ? "Remove" : change.voter ? "Promote" : "Demote"]

/** The refusal that the change deserves, naming who is down; `null` when the rest goes on. */
export const refusedChange = (
  change: MemberChange,
  masters: ReadonlyArray<Stored>,
  live: LiveStatus
): ApiError | null => {
  const desired = masters.filter(({ voter }) => voter).map(({ id }) => id)
  const votes = desired.includes(change.id) || live.voters.includes(change.id)
  if (!votes && !(change._tag === "Vote" && change.voter)) return null
  const verdict = judgeChange(change, { desired, present: live.voters, alive: aliveIds(live) })
  const nameOf = (id: MasterId) => masters.find((master) => master.id === id)?.name ?? id
  const what = `Cannot ${verbOf(change)} ${nameOf(change.id)}`
  switch (verdict._tag) {
    case "Kept":
      return null
    case "NoVoters":
      return refuse("CONFLICT", `${what}: it is the last master that votes. Add another one first`)
    case "Lost": {
      const { alive, down, needed } = verdict
      return refuse(
        "CONFLICT",
        `${what}: ${needed} voters must be up afterwards, and ${alive} would be. Bring back or remove first: ${down.map(nameOf).join(", ")}`,
        down.map((id) => ({
          field: "",
          message: `master ${id} (${nameOf(id)}): ${live.masters.get(id)?.problem ?? "has not been heard of yet"}`
        }))
      )
    }
  }
}

/** Of the voters that are up, the one that has the most of the log. */
const closest = ({ leaderId, masters, voters }: LiveStatus): MasterId | undefined =>
  [...masters.values()]
    .filter(({ healthy, id }) => healthy && id !== leaderId && voters.includes(id))
    .sort((left, right) => (right.lastIndex ?? -1) - (left.lastIndex ?? -1) || (left.id < right.id ? -1 : 1))[0]?.id

/** Who leads, and who should; or why not. */
export const plannedHandover = (
  to: MasterId | null,
  live: LiveStatus
): Result.Result<{ readonly from: MasterId; readonly to: MasterId }, ApiError> => {
  const { leaderId, masters, voters } = live
  if (leaderId === null) {
    return Result.fail(refuse("UNAVAILABLE", "No leader is known that could hand over: try again in a moment"))
  }
  const chosen = to ?? closest(live)
  if (chosen === undefined) {
    return Result.fail(refuse("CONFLICT", "No other voter is up and well: there is nobody to hand over to"))
  }
  if (!voters.includes(chosen)) {
    return Result.fail(
      refuse("CONFLICT", "Only a voter can lead: let this master vote first, or wait until it has joined", [
        { field: "to", message: "names no voter" }
      ])
    )
  }
  const found = masters.get(chosen)
  if (found === undefined || !isAlive(found)) {
    return Result.fail(
      refuse("CONFLICT", `This master could not lead now: ${found?.problem ?? "it has not been heard of yet"}`, [
        { field: "to", message: "is not up" }
      ])
    )
  }
  return Result.succeed({ from: leaderId, to: chosen })
}
