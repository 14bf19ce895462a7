/** One look at everything, as a pure function: what was found and what is stored, to what is to be written. */
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { AlertId, type StoredAlert } from "@nxmesh/protocol/model/Alert"
import { type AlertRule, annotated } from "@nxmesh/protocol/model/AlertRule"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"
import { type Candidate, judgeAlert, type Memory, type Timing, type Verdict } from "./AlertMachine.ts"
import { type Finding, type Findings, found, subjectKey } from "./Findings.ts"

const { alerting } = Limits

export interface RoundState {
  /** Alerts as they are stored, but for those resolved and told. */
  readonly stored: ReadonlyMap<AlertId, StoredAlert>
  readonly memory: ReadonlyMap<AlertId, Memory>
}

export interface RoundChanges {
  readonly memory: ReadonlyMap<AlertId, Memory>
  readonly put: ReadonlyArray<StoredAlert>
  readonly remove: ReadonlyArray<AlertId>
}

export const alertIdOf = (ruleId: string, key: string): AlertId =>
  AlertId.make(sha256Hex(`${ruleId}/${key}`).slice(0, 32))

/** What is judged together: a rule and what it found, or that it could not be judged. */
interface Judging {
  readonly rule: Pick<AlertRule, "id" | "labels" | "name" | "severity" | "summary">
  readonly kind: string
  readonly timing: Timing
  readonly findings: Findings
}

const candidateOf = ({ kind, rule }: Judging, finding: Finding): Candidate => {
  const { agentId, labels, place, reason, subject, value } = finding
  const text = annotated(rule.summary === "" ? "{{subject}}: {{reason}}" : rule.summary, {
    subject: subject.name,
    rule: rule.name,
    value: value === null ? "" : String(Math.round(value * 100) / 100),
    reason,
    severity: rule.severity
  })
  return {
    id: alertIdOf(rule.id, subjectKey(subject)),
    rule_id: rule.id,
    rule_name: rule.name,
    kind,
    severity: rule.severity,
    subject,
    organization_id: place.organization_id,
    workspace_id: place.workspace_id,
    agent_id: agentId,
    labels: { ...labels, ...rule.labels },
    summary: text.slice(0, alerting.summaryCharactersMax),
    value
  }
}

const seconds = (count: number): number => count * 1_000

const ofRule = (rule: AlertRule, findings: Findings): Judging => ({
  rule,
  kind: rule.condition.kind,
  timing: { forMillis: seconds(rule.for_seconds), resolveAfterMillis: seconds(rule.resolve_after_seconds) },
  findings
})

/** That a rule cannot be judged is an alert as well: silence would look like health. */
const ofProblem = (rule: AlertRule, { problem }: Findings): Judging => ({
  rule: { id: rule.id, name: rule.name, severity: "warning", labels: rule.labels, summary: "" },
  kind: "rule_unjudged",
  timing: { forMillis: Duration.toMillis(alerting.unknownFor), resolveAfterMillis: 0 },
  findings: found(
    problem === null
      ? []
      : [
          {
            subject: { kind: "rule", id: rule.id, name: rule.name, part: "" },
            place: { organization_id: rule.organization_id, workspace_id: rule.workspace_id },
            agentId: null,
            labels: {},
            reason: `the rule cannot be judged: ${problem}`,
            value: null
          }
        ]
  )
})

const verdictOf = (alert: StoredAlert, judging: Judging | undefined): Verdict => {
  if (judging === undefined) return { _tag: "Dropped" }
  const { unknown } = judging.findings
  return unknown === "all" || unknown.has(alert.subject.id) ? { _tag: "Unknown" } : { _tag: "Gone" }
}

const noTiming: Timing = { forMillis: 0, resolveAfterMillis: 0 }

/** @param looked the rules that are on, each with what it found; `undefined`: it was not looked at this time */
export const judgeRound = (
  { memory, stored }: RoundState,
  looked: ReadonlyMap<AlertRule, Findings | undefined>,
  nowMillis: number
): RoundChanges => {
  const next = new Map<AlertId, Memory>()
  const put: Array<StoredAlert> = []
  const remove: Array<AlertId> = []
  const judged = new Set<AlertId>()
  const judge = (id: AlertId, verdict: Verdict, timing: Timing): void => {
    judged.add(id)
    const { change, memory: remembered } = judgeAlert(stored.get(id), memory.get(id), verdict, timing, nowMillis)
    if (remembered !== undefined) next.set(id, remembered)
    if (change._tag === "Put") put.push(change.alert)
    if (change._tag === "Remove") remove.push(id)
  }

  const judgings = new Map<string, Judging>()
  const waiting = new Set<string>()
  for (const [rule, findings] of looked) {
    if (findings === undefined) {
      waiting.add(rule.id)
      continue
    }
    for (const judging of [ofRule(rule, findings), ofProblem(rule, findings)]) {
      judgings.set(`${rule.id}/${judging.kind}`, judging)
      for (const finding of judging.findings.found.slice(0, alerting.alertsPerRuleMax)) {
        const candidate = candidateOf(judging, finding)
        if (!judged.has(candidate.id)) judge(candidate.id, { _tag: "Holds", candidate }, judging.timing)
      }
    }
  }
  for (const [id, alert] of stored) {
    if (judged.has(id)) continue
    const judging = judgings.get(`${alert.rule_id}/${alert.kind}`)
    const verdict: Verdict = waiting.has(alert.rule_id) ? { _tag: "Unknown" } : verdictOf(alert, judging)
    judge(id, verdict, judging?.timing ?? noTiming)
  }
  // What is not stored yet and was not looked at this time keeps what is remembered of it.
  const isRemembered = waiting.size > 0 || [...looked.values()].some((findings) => findings?.unknown === "all")
  if (isRemembered) for (const [id, remembered] of memory) if (!judged.has(id)) next.set(id, remembered)
  return { memory: next, put, remove }
}
