/** No guesser locks the owner out: a law, over seeds of guesses. */
import { waitMillis, type LoginFailures } from "@nxmesh/master/auth/Lockout"
import { Limits } from "@nxmesh/master/Limits"
import { assert, describe, test } from "@effect/vitest"
import { Duration } from "effect"

/** Mulberry32: the same guesses for the same seed. */
const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Guesses of many addresses over a day, and when they end. */
const attack = (seed: number) => {
  const random = randomOf(seed)
  const addresses = 1 + Math.floor(random() * 300)
  const rows = new Map<string, LoginFailures>()
  let nowMillis = 1_790_000_000_000
  for (let guess = 0; guess < 2_000; guess++) {
    nowMillis += Math.floor(random() * 60_000)
    const remoteAddress = `198.51.100.${Math.floor(random() * addresses)}`
    const failures = (rows.get(remoteAddress)?.failures ?? 0) + 1
    rows.set(remoteAddress, { remoteAddress, failures, lastFailedAtMillis: nowMillis })
  }
  return { failures: [...rows.values()], nowMillis, random }
}

const perEmailMillis = Duration.toMillis(Limits.auth.lockoutPerEmailMax)
const perAddressMillis = Duration.toMillis(Limits.auth.lockoutMax)
const owner = "192.0.2.7"

describe("Whatever guessers do", () => {
  for (let seed = 1; seed <= 200; seed++) {
    test(`seed ${seed}: the owner gets in from an address that never failed within seconds, and from any within minutes`, () => {
      const { failures, nowMillis, random } = attack(seed)
      const atMillis = nowMillis + Math.floor(random() * 20_000)
      const wait = waitMillis(failures, owner, atMillis)
      assert.isAtMost(wait, perEmailMillis)
      assert.strictEqual(waitMillis(failures, owner, atMillis + wait), 0)
      // Also where a guesser is behind the same address, as in an office.
      const shared = failures[0]?.remoteAddress ?? owner
      assert.isAtMost(waitMillis(failures, shared, atMillis), perAddressMillis)
      // Waiting is bounded by what came before, and never by the clock of a machine that went back.
      assert.isAtMost(waitMillis(failures, owner, nowMillis), perEmailMillis)
    })
  }
})
