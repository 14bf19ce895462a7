/** What another master last said of its agents, kept up to date by asking what has changed. Pure but for its own map. */
import type { AgentId, MasterId } from "@nxmesh/protocol/Ids"
import type { AgentSighting, PresenceAnswer, PresenceQuestion } from "@nxmesh/protocol/peer/AgentMessage"
import type { MasterKnown, Sighting } from "./Whereabouts.ts"

interface Heard {
  readonly sighting: AgentSighting
  readonly heardAtMillis: number
}

export class PresenceOfMaster {
  readonly id: MasterId
  #known: MasterKnown | undefined
  #sequence = 0
  #sessions = 0
  /** Since when it has answered every time, and takes agents; `null` when it did not or does not. */
  #steadySinceMillis: number | null = null
  readonly #agents = new Map<AgentId, Heard>()

  constructor(id: MasterId) {
    this.id = id
  }

  question(): PresenceQuestion {
    const incarnation = this.#known?.incarnation
    return { since: incarnation === undefined ? null : { incarnation, sequence: this.#sequence } }
  }

  take(answer: PresenceAnswer, nowMillis: number): void {
    const { accepting, incarnation, sequence, sessions } = answer
    const isSame = this.#known?.incarnation === incarnation
    if (!isSame) this.#agents.clear()
    this.#known = {
      incarnation,
      firstAnsweredAtMillis: isSame ? (this.#known?.firstAnsweredAtMillis ?? nowMillis) : nowMillis,
      answeredAtMillis: nowMillis
    }
    this.#sequence = sequence
    this.#sessions = sessions
    this.#steadySinceMillis = accepting ? (isSame ? (this.#steadySinceMillis ?? nowMillis) : nowMillis) : null
    for (const sighting of answer.agents) this.#agents.set(sighting.agent_id, { sighting, heardAtMillis: nowMillis })
  }

  /** It did not answer. What it said before counts for a while. */
  missed(): void {
    this.#steadySinceMillis = null
  }

  forget(agentId: AgentId): void {
    this.#agents.delete(agentId)
  }

  known(): MasterKnown | undefined {
    return this.#known
  }

  sessions(): number {
    return this.#sessions
  }

  steadySinceMillis(): number | null {
    return this.#steadySinceMillis
  }

  sighting(agentId: AgentId, graceMillis: number): Sighting | undefined {
    const heard = this.#agents.get(agentId)
    if (heard === undefined || this.#known === undefined) return undefined
    const { agent_id: _, ...sighting } = heard.sighting
    return {
      ...sighting,
      masterId: this.id,
      heardAtMillis: heard.heardAtMillis,
      countsUntilMillis: this.#known.answeredAtMillis + graceMillis
    }
  }
}
