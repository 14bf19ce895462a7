/** Rules and silences of alerts, and the rules that every installation begins with. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import { alertRuleProblems } from "@nxmesh/protocol/model/AlertRule"
import { silenceProblems } from "@nxmesh/protocol/model/AlertSilence"
import { madeDefaults } from "../ReadAlerting.ts"
import { findResource } from "../Resources.ts"
import { placedChanged, requirePlace, requireRoom } from "./Placed.ts"
import { refuseFields } from "./Refusal.ts"
import { erase, replaced, required, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

export const saveAlertRule = (tx: Transaction, command: CommandOf<"SaveAlertRule">): Applied => {
  const { alert_rule: rule, mode } = command
  const before = replaced(tx, "alert_rule", rule.id, command)
  requirePlace(tx, rule, before)
  if (before === undefined) requireRoom(tx, "alert_rule")
  const problems = alertRuleProblems(rule)
  if (problems.length > 0) refuseFields(problems)
  const { after, changed } = write(tx, "alert_rule", before, rule)
  return {
    value: after,
    events: changed ? [placedChanged("alert_rule", after.id, mode, after)] : [],
    audit: { kind: "alert_rule", id: after.id, before: before ?? null, after }
  }
}

export const deleteAlertRule = (tx: Transaction, { id, if_match }: CommandOf<"DeleteAlertRule">): Applied => {
  const before = required(tx, "alert_rule", id, if_match)
  erase(tx, "alert_rule", id)
  return {
    value: null,
    events: [placedChanged("alert_rule", id, "delete", before)],
    audit: { kind: "alert_rule", id, before, after: null }
  }
}

/** Once for each number, so that a rule that somebody deleted stays deleted. */
export const makeAlertDefaults = (tx: Transaction, command: CommandOf<"MakeAlertDefaults">): Applied => {
  if (madeDefaults(tx.connection).has(command.number)) return { value: null, events: [], audit: null }
  tx.connection.run("INSERT INTO alert_defaults (number, entry) VALUES (?, ?)", command.number, tx.index)
  const made = command.rules.filter(({ id }) => findResource(tx.connection, "alert_rule", id) === undefined)
  const rules = made.map((rule) => write(tx, "alert_rule", undefined, rule).after)
  return {
    value: null,
    events: rules.map((rule) => placedChanged("alert_rule", rule.id, "create", rule)),
    audit: {
      kind: "alert_rule",
      id: String(command.number),
      before: null,
      after: { rules: rules.map(({ name }) => name) }
    }
  }
}

export const saveAlertSilence = (tx: Transaction, command: CommandOf<"SaveAlertSilence">): Applied => {
  const { alert_silence: silence, mode } = command
  const before = replaced(tx, "alert_silence", silence.id, command)
  requirePlace(tx, silence, before)
  if (before === undefined) requireRoom(tx, "alert_silence")
  const problems = silenceProblems(silence)
  if (problems.length > 0) refuseFields(problems)
  const { after, changed } = write(tx, "alert_silence", before, silence)
  return {
    value: after,
    events: changed ? [placedChanged("alert_silence", after.id, mode, after)] : [],
    audit: { kind: "alert_silence", id: after.id, before: before ?? null, after }
  }
}

export const deleteAlertSilence = (tx: Transaction, { id, if_match }: CommandOf<"DeleteAlertSilence">): Applied => {
  const before = required(tx, "alert_silence", id, if_match)
  erase(tx, "alert_silence", id)
  return {
    value: null,
    events: [placedChanged("alert_silence", id, "delete", before)],
    audit: { kind: "alert_silence", id, before, after: null }
  }
}
