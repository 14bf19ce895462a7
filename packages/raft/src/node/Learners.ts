/** What a leader knows of its learners' catching up (core/CatchUp.ts), sampled at each tick: a leader that is new begins anew. */
import { beginCatchUp, catchUpSampleOf, catchUpVerdict, continueCatchUp } from "../core/CatchUp.ts"
import type { CatchUp, CatchUpBounds, CatchUpVerdict } from "../core/CatchUp.ts"
import { isVoter, latest, members } from "../core/Configuration.ts"
import type { State } from "../core/State.ts"
import type { NodeId } from "../core/Types.ts"

export class Learners {
  private readonly bounds: CatchUpBounds
  private known: ReadonlyMap<NodeId, CatchUp> = new Map()

  constructor(bounds: CatchUpBounds) {
    this.bounds = bounds
  }

  tick(state: State): void {
    if (state.role !== "Leader" && this.known.size === 0) return
    const { configuration } = latest(state.configurations)
    const learners = members(configuration).filter((id) => !isVoter(configuration, id))
    this.known = new Map(learners.flatMap((id) => this.sampled(state, id)))
  }

  /** `null`: this node does not lead, or it is no learner. */
  verdict(id: NodeId): CatchUpVerdict | null {
    const catchUp = this.known.get(id)
    return catchUp === undefined ? null : catchUpVerdict(catchUp, this.bounds)
  }

  private sampled(state: State, id: NodeId): ReadonlyArray<readonly [NodeId, CatchUp]> {
    const sample = catchUpSampleOf(state, id)
    if (sample === null) return []
    const before = this.known.get(id)
    return [[id, before === undefined ? beginCatchUp(sample) : continueCatchUp(before, sample, this.bounds)]]
  }
}
