/** When keys are replaced, and whether they can be. Pure. */
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"

/** A master and the key-encryption keys that it says it has; `null`: it does not answer. */
export interface MasterKeys {
  readonly id: string
  readonly name: string
  readonly key_ids: ReadonlyArray<string> | null
}

export type RotationPlan = { readonly toKeyId: string } | { readonly problem: string }

const names = (masters: ReadonlyArray<MasterKeys>): string => masters.map(({ name }) => name).join(", ")

/** The one other key that every master has: a rotation begins when all can open what it seals, and not before. */
export const rotationPlan = (activeKeyId: string, masters: ReadonlyArray<MasterKeys>): RotationPlan => {
  const silent = masters.filter(({ key_ids }) => key_ids === null)
  if (silent.length > 0) {
    return { problem: `${names(silent)} does not say which keys it has: bring every master up first, or remove it` }
  }
  const without = masters.filter(({ key_ids }) => key_ids?.includes(activeKeyId) !== true)
  if (without.length > 0) return { problem: `${names(without)} lacks the present key ${activeKeyId}` }
  const others = new Set(masters.flatMap(({ key_ids }) => key_ids ?? []))
  others.delete(activeKeyId)
  const common = [...others].filter((key) => masters.every(({ key_ids }) => key_ids?.includes(key) === true))
  const [toKeyId, second] = common
  if (toKeyId !== undefined && second === undefined) return { toKeyId }
  if (second !== undefined) {
    return {
      problem: `the masters have several other keys (${common.join(", ")}): start them again with one next key file`
    }
  }
  const lacking = masters.filter(({ key_ids }) => key_ids?.some((key) => others.has(key)) !== true)
  return {
    problem:
      others.size === 0
        ? "no master has a next key: put one and the same new key beside the key file of each, as <key file>.next, mode 0600"
        : `the next key is not the same on every master, or is missing on ${names(lacking.length > 0 ? lacking : masters)}`
  }
}

export interface AgentKeyAge {
  readonly agentId: string
  /** `undefined`: of before it was noted. */
  readonly rotatedAtMillis: number | undefined
  /** Keys that are older are replaced at once. */
  readonly beforeMillis: number | null
}

/** From 0 to 1, always the same for one agent. */
const spread = (agentId: string): number => Number.parseInt(sha256Hex(agentId).slice(0, 8), 16) / 0xffff_ffff

/** Ages are spread over a fifth of the greatest, so that a fleet that enrolled in one night does not rotate in another. */
export const isAgentKeyDue = (key: AgentKeyAge, ageMaxMillis: number, nowMillis: number): boolean => {
  const { agentId, beforeMillis, rotatedAtMillis } = key
  if (rotatedAtMillis === undefined) return true
  if (beforeMillis !== null && rotatedAtMillis < beforeMillis) return true
  return nowMillis - rotatedAtMillis > ageMaxMillis * (1 - spread(agentId) / 5)
}

export interface SigningKeyAge {
  readonly key_id: string
  readonly signsFromMillis: number
}

/** Keys whose tokens have all expired: a newer one has signed for as long as `keptMillis`. The newest first. */
export const retirable = (
  keys: ReadonlyArray<SigningKeyAge>,
  keptMillis: number,
  nowMillis: number
): ReadonlyArray<string> => {
  const settled = keys.find(({ signsFromMillis }) => signsFromMillis + keptMillis <= nowMillis)
  if (settled === undefined) return []
  return keys.filter(({ signsFromMillis }) => signsFromMillis < settled.signsFromMillis).map(({ key_id }) => key_id)
}
