/**
 * Failed logins that cannot be recorded, for want of a quorum: kept by this master alone, so that guessing is no easier
 * while the cluster cannot write.
 */
import { Limits } from "../Limits.ts"
import type { Guess } from "./LoginGate.ts"
import type { LoginFailures } from "./Lockout.ts"

export class RememberedFailures {
  /** By email; the one that failed longest ago is the first. */
  private readonly emails = new Map<string, Map<string, LoginFailures>>()

  of(email: string): ReadonlyArray<LoginFailures> {
    return [...(this.emails.get(email.toLowerCase())?.values() ?? [])]
  }

  remember({ email, remoteAddress }: Guess, nowMillis: number): void {
    const key = email.toLowerCase()
    const addresses = this.emails.get(key) ?? new Map<string, LoginFailures>()
    const failures = (addresses.get(remoteAddress)?.failures ?? 0) + 1
    forgetOldest(addresses, remoteAddress, Limits.auth.rememberedAddressesMax)
    addresses.set(remoteAddress, { remoteAddress, failures, lastFailedAtMillis: nowMillis })
    forgetOldest(this.emails, key, Limits.auth.rememberedEmailsMax)
    this.emails.set(key, addresses)
  }

  forget({ email, remoteAddress }: Guess): void {
    this.emails.get(email.toLowerCase())?.delete(remoteAddress)
  }
}

/** Makes room for `key` as the newest. */
const forgetOldest = <A>(kept: Map<string, A>, key: string, countMax: number): void => {
  kept.delete(key)
  const [oldest] = kept.keys()
  if (kept.size >= countMax && oldest !== undefined) kept.delete(oldest)
}
