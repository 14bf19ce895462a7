/**
 * How long a login must wait after failures, as a pure function. Counted per email and address, so that a guesser
 * elsewhere does not lock the owner out; a guesser with many addresses meets a short wait on the email itself.
 */
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

export interface LoginFailures {
  readonly remoteAddress: string
  readonly failures: number
  readonly lastFailedAtMillis: number
}

interface Rule {
  readonly free: number
  readonly firstMillis: number
  readonly millisMax: number
}

const { auth } = Limits
const firstMillis = Duration.toMillis(auth.lockoutFirst)
export const rules: { readonly address: Rule; readonly email: Rule } = {
  address: { free: auth.freeFailuresMax, firstMillis, millisMax: Duration.toMillis(auth.lockoutMax) },
  email: { free: auth.freeFailuresPerEmailMax, firstMillis, millisMax: Duration.toMillis(auth.lockoutPerEmailMax) }
}

/** The wait after so many failures in a row: none for the free ones, then doubling up to the maximum. */
export const lockoutMillis = (failures: number, rule: Rule): number =>
  failures < rule.free ? 0 : Math.min(rule.millisMax, rule.firstMillis * 2 ** Math.min(failures - rule.free, 30))

/** Milliseconds until a login by this email from this address may be tried; 0 when now. */
export const waitMillis = (
  failures: ReadonlyArray<LoginFailures>,
  remoteAddress: string,
  nowMillis: number
): number => {
  const forgottenMillis = Duration.toMillis(auth.failuresForgottenAfter)
  const recent = failures.filter((failure) => nowMillis - failure.lastFailedAtMillis < forgottenMillis)
  const here = recent.filter((failure) => failure.remoteAddress === remoteAddress)
  return Math.max(0, waitFor(here, rules.address, nowMillis), waitFor(recent, rules.email, nowMillis))
}

const waitFor = (failures: ReadonlyArray<LoginFailures>, rule: Rule, nowMillis: number): number => {
  const total = failures.reduce((sum, failure) => sum + failure.failures, 0)
  const last = failures.reduce((latest, failure) => Math.max(latest, failure.lastFailedAtMillis), 0)
  return last + lockoutMillis(total, rule) - nowMillis
}
