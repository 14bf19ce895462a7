/**
 * Why a process ended, judged: what the simulator did to it is an ordinary end; what nobody did to it is a defect, and
 * ends the run.
 */

import { RaftFailure } from "../../core/Failure.ts"
import { NodeStopped } from "../../node/NodeStopped.ts"
import { PowerCut } from "../../storage/file/SimulatedDisk.ts"
import { StorageError } from "../../storage/StorageError.ts"
import { SafetyViolation } from "./Oracle.ts"
import { CrashWhileApplying } from "../machine/MemoryKeyValue.ts"

export interface Ending {
  /** For the counters. */
  readonly name: string
  /** The disk cannot be used any more. */
  readonly isLost: boolean
}

const ordinary = (name: string): Ending => ({ name, isLost: false })

/** The failure and everything that it says was its cause. */
const chainOf = (failure: unknown): ReadonlyArray<unknown> => {
  const chain: Array<unknown> = []
  for (let next: unknown = failure; next !== undefined && next !== null && chain.length < 10;) {
    chain.push(next)
    next = next instanceof Error ? next.cause : undefined
  }
  return chain
}

const storageEnding = (failure: StorageError, isDamaged: boolean): Ending => {
  switch (failure.reason) {
    case "Input/output":
    case "Full":
      return ordinary(failure.reason)
    case "Damaged":
    case "Missing":
    case "Gap":
      if (!isDamaged) throw new SafetyViolation(`nothing was damaged, and storage says: ${failure.message}`)
      return { name: "damage found", isLost: true }
    case "Misuse":
      throw new SafetyViolation(`the storage was asked for what no node may ask: ${failure.message}`)
    default:
      throw failure
  }
}

/** @param isDamaged whether the simulator changed confirmed bytes of this node's disk. */
export const endOf = (failure: unknown, isDamaged: boolean): Ending => {
  const chain = chainOf(failure)
  const violation = chain.find((cause) => cause instanceof SafetyViolation)
  if (violation !== undefined) throw violation
  const broken = chain.find((cause) => cause instanceof RaftFailure)
  if (broken !== undefined) throw new SafetyViolation(`a node found an assumption broken: ${broken.message}`)
  if (chain.some((cause) => cause instanceof CrashWhileApplying)) return ordinary("crash while applying")
  if (chain.some((cause) => cause instanceof PowerCut)) return ordinary("crash while recovering")
  const storage = chain.findLast((cause) => cause instanceof StorageError)
  if (storage !== undefined) return storageEnding(storage, isDamaged)
  // The host was blocked, and then it could neither apply nor make snapshots.
  if (failure instanceof NodeStopped && (failure.reason === "HostLost" || failure.reason === "LogOverfull"))
    return ordinary(failure.reason)
  throw failure
}
