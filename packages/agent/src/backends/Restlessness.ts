/**
 * Names whose addresses change all the time, as of a DNS server that answers with some of many. Each change followed is a reload
 * of nginx, which ends long-lived connections in time. So of a restless name the addresses in use are kept for a while, as
 * long as one of them is still an answer. Pure.
 */
import { Duration } from "effect"
import { Limits } from "../Limits.ts"
import * as AddressBook from "../nginx/AddressBook.ts"

/** When a name's changes were followed, in milliseconds since 1970, oldest first. */
export type Followed = ReadonlyMap<string, ReadonlyArray<number>>

const recent = (times: ReadonlyArray<number>, nowMillis: number): ReadonlyArray<number> =>
  times.filter((time) => time <= nowMillis && nowMillis - time < Duration.toMillis(Limits.restlessWindow))

const mayFollow = (times: ReadonlyArray<number>, nowMillis: number): boolean =>
  recent(times, nowMillis).length < Limits.restlessChangesMax

/** The addresses to go by: the latest, but of restless names those in use. */
export const calmed = (
  inUse: AddressBook.AddressBook,
  latest: AddressBook.AddressBook,
  followed: Followed,
  nowMillis: number
): AddressBook.AddressBook =>
  new Map(
    [...latest].map(([name, addresses]) => {
      const used = inUse.get(name) ?? []
      const isAnswered = used.some((address) => addresses.includes(address))
      const isKept = isAnswered && !mayFollow(followed.get(name) ?? [], nowMillis)
      return [name, isKept ? used : addresses] as const
    })
  )

/** After a deployment with `next` in the place of `inUse`. */
export const following = (
  followed: Followed,
  inUse: AddressBook.AddressBook,
  next: AddressBook.AddressBook,
  nowMillis: number
): Followed =>
  new Map(
    [...next].flatMap(([name, addresses]) => {
      const times = recent(followed.get(name) ?? [], nowMillis)
      const isChanged = !AddressBook.isSame(new Map([[name, inUse.get(name) ?? []]]), new Map([[name, addresses]]))
      const after = isChanged ? [...times, nowMillis] : times
      return after.length === 0 ? [] : [[name, after] as const]
    })
  )
