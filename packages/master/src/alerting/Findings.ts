/** What a look at one rule finds: the subjects of which its condition holds now. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { AlertSubject } from "@nxmesh/protocol/model/Alert"
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { AlertRule } from "@nxmesh/protocol/model/AlertRule"
import { holds, type Place } from "@nxmesh/protocol/model/Place"

export interface Finding {
  readonly subject: AlertSubject
  readonly place: Place
  readonly agentId: AgentId | null
  readonly labels: Readonly<Record<string, string>>
  /** What is wrong, in one sentence. */
  readonly reason: string
  readonly value: number | null
}

export interface Findings {
  readonly found: ReadonlyArray<Finding>
  /** Of whom nothing can be said now, by their ids; `all`: of nobody that is not found. */
  readonly unknown: ReadonlySet<string> | "all"
  /** Why not all of it could be judged; `null`: it was. */
  readonly problem: string | null
}

const knownOfAll: ReadonlySet<string> = new Set()

export const found = (list: ReadonlyArray<Finding>, unknown: ReadonlySet<string> = knownOfAll): Findings => ({
  found: list,
  unknown,
  problem: null
})

export const unjudged = (problem: string, list: ReadonlyArray<Finding> = []): Findings => ({
  found: list,
  unknown: "all",
  problem
})

export const subjectKey = ({ id, kind, part }: AlertSubject): string => `${kind}/${id}/${part}`

/** Whether the rule is about the agent, which is at this place. */
export const selects = (
  { selector, ...rule }: Pick<AlertRule, "organization_id" | "selector" | "workspace_id">,
  agent: Pick<StoredAgent, "id" | "labels">,
  place: Place
): boolean => {
  if (!holds(rule, place)) return false
  switch (selector.scope) {
    case "global":
    case "workspace":
      return true
    case "labels":
      return Object.entries(selector.match_labels).every(([key, value]) => agent.labels[key] === value)
    case "agents":
      return selector.agent_ids.includes(agent.id)
  }
}
