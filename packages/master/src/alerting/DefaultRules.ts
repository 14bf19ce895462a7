/** The rules that every installation begins with: what an operator wants to know before having thought about alerts. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import { AlertRuleId } from "@nxmesh/protocol/Ids"
import type { AlertSeverity } from "@nxmesh/protocol/model/Alert"
import type { AlertCondition } from "@nxmesh/protocol/model/AlertCondition"

type Rule = CommandOf<"MakeAlertDefaults">["rules"][number]

const rule = (
  number: number,
  name: string,
  condition: AlertCondition,
  severity: AlertSeverity,
  for_seconds: number,
  resolve_after_seconds = 60
): Rule => ({
  id: AlertRuleId.make(`a1e70000-0000-7000-8000-${String(number).padStart(12, "0")}`),
  organization_id: null,
  workspace_id: null,
  name,
  enabled: true,
  condition,
  severity,
  for_seconds,
  resolve_after_seconds,
  selector: { scope: "global" },
  labels: {},
  summary: ""
})

/** Of these the agent's own word would be a second alert about the same thing. */
const toldOtherwise = ["nginx_down", "drift"]

/** A later version adds a set under the next number: each is made once, and who deleted a rule keeps it deleted. */
export const defaultRules: ReadonlyArray<Omit<CommandOf<"MakeAlertDefaults">, "_tag">> = [
  {
    number: 1,
    rules: [
      rule(1, "Agent offline", { kind: "agent_offline" }, "critical", 120),
      rule(2, "nginx down", { kind: "nginx_down" }, "critical", 30),
      rule(3, "Deployment failed", { kind: "deployment_failed" }, "warning", 0),
      rule(4, "Drift", { kind: "drift" }, "warning", 60),
      rule(5, "Certificate expires", { kind: "certificate_expiry", within_days: 14 }, "warning", 0),
      rule(
        6,
        "Agent reports a problem",
        { kind: "agent_alert", least: "warning", codes: [], except_codes: toldOtherwise },
        "warning",
        60
      ),
      rule(
        7,
        "Agent's disk almost full",
        { kind: "agent_metric", metric: "disk_percent", is: "above", threshold: 90 },
        "warning",
        300
      ),
      rule(8, "Master away", { kind: "master_away" }, "critical", 60),
      rule(9, "No margin of masters", { kind: "no_quorum_margin" }, "critical", 30),
      rule(10, "Master's disk almost full", { kind: "master_disk", free_below_megabytes: 1_024 }, "warning", 60),
      rule(11, "Master behind the log", { kind: "apply_lag", above_entries: 1_000 }, "warning", 60),
      rule(12, "Masters warn", { kind: "master_warning" }, "warning", 60)
    ]
  }
]
