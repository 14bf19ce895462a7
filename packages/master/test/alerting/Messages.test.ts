import { assert, describe, it } from "@effect/vitest"
import { AgentId, WebhookId } from "@nxmesh/protocol/Ids"
import type { StoredAlert } from "@nxmesh/protocol/model/Alert"
import { type Audience, planMessages } from "../../src/alerting/Messages.ts"
import type { KeptAlert } from "../../src/state/ReadAlerting.ts"
import { alertId, at, firing, otherWorkspaceId, organizationId, silence, textAt, webhook, webhookId } from "./Alerts.ts"

const audience = (over: Partial<Audience> = {}): Audience => ({
  webhooks: [webhook()],
  traffic: new Map(),
  silences: [],
  inMaintenance: new Set(),
  ...over
})
const untold = (alert: StoredAlert): KeptAlert => ({ alert, told: {} })
const told = (alert: StoredAlert): KeptAlert => ({ alert, told: { [webhookId]: "firing" } })
const resolved = (number: number): StoredAlert => firing(number, { state: "resolved", resolved_at: textAt(900) })
const now = at(1_000)

const idsTold = (kept: ReadonlyArray<KeptAlert>, to = audience()) =>
  planMessages(kept, to, now).messages.map(({ alerts }) => alerts)

describe("who is told what", () => {
  it("tells all that fires in one message, the worst and oldest first", () => {
    const warning = firing(1, { severity: "warning" })
    assert.deepStrictEqual(idsTold([untold(warning), untold(firing(3)), untold(firing(2))]), [
      [alertId(2), alertId(3), alertId(1)]
    ])
  })

  it("tells nothing twice, and nothing that is pending", () => {
    assert.deepStrictEqual(idsTold([told(firing(1)), untold(firing(2, { state: "pending", fired_at: null }))]), [])
  })

  it("tells that an alert is resolved to whoever was told that it fires, and to nobody else", () => {
    assert.deepStrictEqual(idsTold([told(resolved(1)), untold(resolved(2))]), [[alertId(1)]])
  })

  it("forgets whom to tell where nobody is left who wants to know", () => {
    const quiet = audience({ webhooks: [webhook({ send_resolved: false })] })
    const plan = planMessages([told(resolved(1)), untold(resolved(2))], quiet, now)
    assert.deepStrictEqual(plan, { messages: [], settled: [alertId(1)] })
    const off = audience({ webhooks: [webhook({ enabled: false })] })
    assert.deepStrictEqual(planMessages([told(resolved(1))], off, now).settled, [alertId(1)])
  })

  it("holds back what a silence matches, tells it when the silence ends, and closes what was told before it began", () => {
    const silenced = audience({ silences: [silence({ match_labels: { region: "eu" } })] })
    assert.deepStrictEqual(idsTold([untold(firing(1))], silenced), [])
    assert.deepStrictEqual(planMessages([untold(firing(1))], silenced, at(3_600)).messages.length, 1)
    assert.deepStrictEqual(idsTold([told(resolved(1))], silenced), [[alertId(1)]])
    const elsewhere = audience({
      silences: [silence({ organization_id: organizationId, workspace_id: otherWorkspaceId })]
    })
    assert.deepStrictEqual(idsTold([untold(firing(1))], elsewhere), [[alertId(1)]])
  })

  it("holds back the alerts of an agent in maintenance", () => {
    const agent = AgentId.make("0190a000-0000-7000-8000-000000000077")
    const alert = untold(firing(1, { agent_id: agent }))
    assert.deepStrictEqual(idsTold([alert], audience({ inMaintenance: new Set([agent]) })), [])
    assert.deepStrictEqual(idsTold([alert]), [[alertId(1)]])
  })

  it("tells a webhook only what is of its place, severe enough and of its rules", () => {
    const kept = [untold(firing(1, { severity: "warning" }))]
    for (const over of [
      { severity_min: "critical" as const },
      { organization_id: organizationId, workspace_id: otherWorkspaceId },
      { rule_ids: [webhookId as never] },
      { enabled: false }
    ]) {
      assert.deepStrictEqual(idsTold(kept, audience({ webhooks: [webhook(over)] })), [], JSON.stringify(over))
    }
  })

  it("gathers what comes while an endpoint is away or was told a moment ago", () => {
    const with_ = (waiting: number, retrying: boolean, lastAtMillis: number | null) =>
      idsTold([untold(firing(1))], audience({ traffic: new Map([[webhookId, { waiting, retrying, lastAtMillis }]]) }))
    assert.deepStrictEqual(with_(1, true, null), [])
    assert.deepStrictEqual(with_(4, false, null), [])
    assert.deepStrictEqual(with_(0, false, now - 9_999), [])
    assert.deepStrictEqual(with_(0, false, now - 10_000), [[alertId(1)]])
    assert.deepStrictEqual(with_(1, false, now + 60_000), [[alertId(1)]], "a clock that went back delays nobody")
  })

  it("tells each webhook by itself", () => {
    const other = WebhookId.make("0190a000-0000-7000-8000-000000000099")
    const both = audience({ webhooks: [webhook(), webhook({ id: other })] })
    const plan = planMessages([told(firing(1)), untold(firing(2))], both, now)
    assert.deepStrictEqual(plan.messages, [
      { webhookId, alerts: [alertId(2)] },
      { webhookId: other, alerts: [alertId(1), alertId(2)] }
    ])
  })
})
