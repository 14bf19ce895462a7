/** What the leader puts into a command to wrap sealed secrets anew. Pure. */
import type { RewrappedRow } from "@nxmesh/protocol/CommandParts"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import type { SealedPlace } from "../state/ReadKeys.ts"

const isSealed = (value: object): value is SealedSecret =>
  "key_id" in value && "wrapped_key" in value && "nonce" in value && "ciphertext" in value

/** Every sealed secret in a JSON value, at any depth. */
export const sealedIn = (value: unknown): ReadonlyArray<SealedSecret> => {
  if (typeof value !== "object" || value === null) return []
  return isSealed(value) ? [value] : Object.values(value).flatMap(sealedIn)
}

/** `rewrap` may throw: then nothing is wrapped. */
export const rewrapRows = (
  places: ReadonlyArray<SealedPlace>,
  fromKeyId: string,
  rewrap: (sealed: SealedSecret) => SealedSecret
): ReadonlyArray<RewrappedRow> =>
  places.map(({ column, key, table, text }) => ({
    table,
    key,
    column,
    wrapped: sealedIn(JSON.parse(text))
      .filter(({ key_id }) => key_id === fromKeyId)
      .map((sealed) => ({ before: sealed.wrapped_key, after: rewrap(sealed).wrapped_key }))
  }))
