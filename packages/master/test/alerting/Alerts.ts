/** Alerts, rules and webhooks for tests, with what matters to them given. */
import { AlertRuleId, AlertSilenceId, OrganizationId, WebhookId, WorkspaceId } from "@nxmesh/protocol/Ids"
import { AlertId, type StoredAlert } from "@nxmesh/protocol/model/Alert"
import type { AlertRule } from "@nxmesh/protocol/model/AlertRule"
import type { AlertSilence } from "@nxmesh/protocol/model/AlertSilence"
import type { StoredWebhook } from "@nxmesh/protocol/model/Webhook"
import type { Candidate } from "../../src/alerting/AlertMachine.ts"

export const startMillis = Date.parse("2026-03-02T10:00:00.000Z")
export const at = (seconds: number): number => startMillis + seconds * 1_000
export const textAt = (seconds: number): string => new Date(at(seconds)).toISOString()

const uuid = (number: number): string => `0190a000-0000-7000-8000-${String(number).padStart(12, "0")}`
export const ruleId = AlertRuleId.make(uuid(1))
export const organizationId = OrganizationId.make(uuid(2))
export const workspaceId = WorkspaceId.make(uuid(3))
export const otherWorkspaceId = WorkspaceId.make(uuid(4))
export const webhookId = WebhookId.make(uuid(5))

const stamps = { created_at: textAt(0), updated_at: textAt(0), revision: 1 }

export const alertId = (number: number): AlertId => AlertId.make(number.toString(16).padStart(32, "0"))

export const candidate = (number: number, over: Partial<Candidate> = {}): Candidate => ({
  id: alertId(number),
  rule_id: ruleId,
  rule_name: "Agent offline",
  kind: "agent_offline",
  severity: "critical",
  subject: { kind: "agent", id: uuid(100 + number), name: `edge-${number}`, part: "" },
  organization_id: organizationId,
  workspace_id: workspaceId,
  agent_id: null,
  labels: { region: "eu" },
  summary: `edge-${number}: is not connected to any master`,
  value: null,
  ...over
})

export const firing = (number: number, over: Partial<StoredAlert> = {}): StoredAlert => ({
  ...candidate(number),
  state: "firing",
  started_at: textAt(number),
  fired_at: textAt(number + 60),
  resolved_at: null,
  ...over
})

export const rule = (over: Partial<AlertRule> = {}): AlertRule => ({
  id: ruleId,
  organization_id: null,
  workspace_id: null,
  name: "Agent offline",
  enabled: true,
  condition: { kind: "agent_offline" },
  severity: "critical",
  for_seconds: 60,
  resolve_after_seconds: 30,
  selector: { scope: "global" },
  labels: {},
  summary: "",
  ...stamps,
  ...over
})

export const silence = (over: Partial<AlertSilence> = {}): AlertSilence => ({
  id: AlertSilenceId.make(uuid(6)),
  organization_id: null,
  workspace_id: null,
  rule_id: null,
  agent_id: null,
  match_labels: {},
  reason: "works",
  starts_at: textAt(0),
  ends_at: textAt(3_600),
  created_by: "ada",
  ...stamps,
  ...over
})

const sealed = { key_id: "k", wrapped_key: "", nonce: "", ciphertext: "" }

export const webhook = (over: Partial<StoredWebhook> = {}): StoredWebhook => ({
  id: webhookId,
  organization_id: null,
  workspace_id: null,
  name: "On call",
  url: "https://alerts.example.com/",
  enabled: true,
  allow_http: false,
  severity_min: "info",
  rule_ids: [],
  send_resolved: true,
  secret: sealed,
  ...stamps,
  ...over
})
