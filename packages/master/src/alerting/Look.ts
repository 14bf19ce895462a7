/** What each rule finds in a snapshot. Pure. */
import type { AlertRule } from "@nxmesh/protocol/model/AlertRule"
import { conditionSubject } from "@nxmesh/protocol/model/AlertCondition"
import { holds } from "@nxmesh/protocol/model/Place"
import { agentFindings } from "./AgentFindings.ts"
import { certificateFindings, clusterFindings } from "./FleetFindings.ts"
import { type Finding, type Findings, found, selects, unjudged } from "./Findings.ts"
import type { Snapshot } from "./Snapshot.ts"

const findAgents = (rule: AlertRule, { agents }: Snapshot): Findings => {
  const list: Array<Finding> = []
  const unknown = new Set<string>()
  for (const seen of agents) {
    if (!selects(rule, seen.agent, seen.place)) continue
    const findings = agentFindings(rule.condition, seen)
    if (findings === "unknown") unknown.add(seen.agent.id)
    else list.push(...findings)
  }
  return found(list, unknown)
}

export const look = (rule: AlertRule, snapshot: Snapshot, nowMillis: number): Findings => {
  const { condition } = rule
  switch (conditionSubject(condition)) {
    case "agent":
      return findAgents(rule, snapshot)
    case "certificate":
      return condition.kind === "certificate_expiry"
        ? certificateFindings(
            condition,
            snapshot.certificates.filter(({ place }) => holds(rule, place)),
            nowMillis
          )
        : found([])
    case "master":
      return snapshot.cluster === null
        ? unjudged("the masters were not looked at")
        : clusterFindings(condition, snapshot.cluster, nowMillis)
  }
}
