/** To whom leadership goes when this node should not keep it (thesis 3.10). */
import { latest } from "../core/Configuration.ts"
import type { State } from "../core/State.ts"
import type { NodeId } from "../core/Types.ts"

/** The most complete of the voters that answer; `null`: none does, or this node does not lead. */
export const successor = (state: State): NodeId | null => {
  if (state.role !== "Leader") return null
  let best: NodeId | null = null
  let bestMatch = -1
  for (const id of latest(state.configurations).configuration.voters) {
    const progress = state.progress.get(id)
    if (progress === undefined || !progress.isActive || progress.match <= bestMatch) continue
    best = id
    bestMatch = progress.match
  }
  return best
}
