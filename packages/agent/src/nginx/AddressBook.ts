/** Last known addresses of host names: pure, and as kept on disk. */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"

export type AddressBook = ReadonlyMap<string, ReadonlyArray<string>>

export const addressRecord = Schema.Record(
  Schema.String,
  Schema.Array(Schema.String).check(Schema.isMaxLength(Limits.addressesPerHostMax))
)
export const AddressBookFile = Schema.fromJsonString(addressRecord)

/**
 * Addresses as the renderer takes them: bare, without zones, each once, sorted, so that a resolver that rotates its answers
 * causes no reload.
 */
export const literals = (found: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(found.filter((address) => !address.includes("%")))].toSorted().slice(0, Limits.addressesPerHostMax)

/** The names that are asked for, with what is known of each; a name never resolved has no addresses. */
export const select = (book: AddressBook, names: ReadonlyArray<string>): AddressBook =>
  new Map(names.map((name) => [name, book.get(name) ?? []]))

export const isSame = (a: AddressBook, b: AddressBook): boolean =>
  a.size === b.size &&
  [...a].every(([name, addresses]) => {
    const others = b.get(name)
    return others?.length === addresses.length && others.every((address, index) => address === addresses[index])
  })
