/**
 * The life of one alert as a pure function: inactive, pending while its condition holds for less than the rule's time, firing,
 * resolved when the condition has been gone for long enough. What flaps faster than that is one alert. The state is replicated;
 * the memory is the leader's own, and a new leader that starts without it waits longer, and never fires anew.
 */
import type { StoredAlert } from "@nxmesh/protocol/model/Alert"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

/** What a rule says of each of its alerts. */
export interface Timing {
  readonly forMillis: number
  readonly resolveAfterMillis: number
}

/** An alert as it would be if it began at this moment: without its state and times. */
export type Candidate = Omit<StoredAlert, "fired_at" | "resolved_at" | "started_at" | "state">

/** Unknown: nobody can say. Dropped: the rule is gone or off, so nobody asks any more. */
export type Verdict =
  | { readonly _tag: "Holds"; readonly candidate: Candidate }
  | { readonly _tag: "Gone" }
  | { readonly _tag: "Unknown" }
  | { readonly _tag: "Dropped" }

/** Since when the condition has held without being noted, or has been gone while the alert fires. */
export type Memory = { readonly heldSince: number } | { readonly goneSince: number }

export type Change =
  | { readonly _tag: "None" }
  | { readonly _tag: "Put"; readonly alert: StoredAlert }
  | { readonly _tag: "Remove" }

export interface Judged {
  readonly memory: Memory | undefined
  readonly change: Change
}

const none: Change = { _tag: "None" }
const notedAfter = Duration.toMillis(Limits.alerting.pendingNotedAfter)
const text = (millis: number): string => new Date(millis).toISOString()

/** A clock that went back does not make an alert wait for ever: what lies ahead counts from now. */
const elapsed = (since: number, now: number): number => Math.max(0, now - since)

const begun = (candidate: Candidate, since: number): StoredAlert => ({
  ...candidate,
  state: "pending",
  started_at: text(since),
  fired_at: null,
  resolved_at: null
})

const fired = (candidate: Candidate, since: number, now: number): StoredAlert => ({
  ...begun(candidate, since),
  state: "firing",
  fired_at: text(now)
})

/** The condition holds, and nothing fires. */
const rise = (
  before: StoredAlert | undefined,
  memory: Memory | undefined,
  candidate: Candidate,
  timing: Timing,
  now: number
): Judged => {
  const noted = before?.state === "pending" ? Date.parse(before.started_at) : undefined
  const held = noted ?? (memory !== undefined && "heldSince" in memory ? memory.heldSince : now)
  const since = held > now ? now : held
  if (elapsed(since, now) >= timing.forMillis) {
    return { memory: undefined, change: { _tag: "Put", alert: fired(candidate, since, now) } }
  }
  const isNoted = noted !== undefined && since === noted
  if (!isNoted && (noted !== undefined || elapsed(since, now) >= notedAfter)) {
    return { memory: undefined, change: { _tag: "Put", alert: begun(candidate, since) } }
  }
  return { memory: isNoted ? undefined : { heldSince: since }, change: none }
}

/** What is measured changes at every look; that alone is not written. */
const isOutdated = (before: StoredAlert, { labels, rule_name, severity, subject }: Candidate): boolean =>
  before.rule_name !== rule_name ||
  before.severity !== severity ||
  before.subject.name !== subject.name ||
  JSON.stringify(before.labels) !== JSON.stringify(labels)

const stays = (before: StoredAlert, candidate: Candidate): Judged => ({
  memory: undefined,
  change: isOutdated(before, candidate) ? { _tag: "Put", alert: { ...before, ...candidate } } : none
})

const resolved = (before: StoredAlert, now: number): Judged => ({
  memory: undefined,
  change: { _tag: "Put", alert: { ...before, state: "resolved", resolved_at: text(now) } }
})

const fall = (before: StoredAlert, memory: Memory | undefined, timing: Timing, now: number): Judged => {
  const gone = memory !== undefined && "goneSince" in memory ? memory.goneSince : now
  const since = gone > now ? now : gone
  return elapsed(since, now) >= timing.resolveAfterMillis
    ? resolved(before, now)
    : { memory: { goneSince: since }, change: none }
}

export const judgeAlert = (
  before: StoredAlert | undefined,
  memory: Memory | undefined,
  verdict: Verdict,
  timing: Timing,
  now: number
): Judged => {
  const state = before?.state ?? "resolved"
  switch (verdict._tag) {
    case "Unknown":
      return { memory, change: none }
    case "Holds":
      return before !== undefined && state === "firing"
        ? stays(before, verdict.candidate)
        : rise(before, memory, verdict.candidate, timing, now)
    case "Dropped":
    case "Gone":
      if (before === undefined || state === "resolved") return { memory: undefined, change: none }
      if (state === "pending") return { memory: undefined, change: { _tag: "Remove" } }
      return verdict._tag === "Dropped" ? resolved(before, now) : fall(before, memory, timing, now)
  }
}
