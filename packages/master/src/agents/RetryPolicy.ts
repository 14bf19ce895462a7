/**
 * When a generation that failed on an agent may be tried there again without anyone having asked: on a reconnect, and
 * then only after a wait that doubles with every failure. New content and an operator's word do not wait.
 */
import type { Generation } from "@nxmesh/protocol/Ids"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

/** What failed, and how often in a row. */
export interface Failure {
  readonly generation: Generation
  readonly attempts: number
  readonly failedAtMillis: number
}

/** 5 s, 10 s, 20 s … 10 min. */
export const retryDelayMillis = (attempts: number): number =>
  Math.min(
    Duration.toMillis(Limits.agents.retryFirst) * 2 ** Math.max(0, Math.min(attempts, 32) - 1),
    Duration.toMillis(Limits.agents.retryMax)
  )

export const retryAtMillis = ({ attempts, failedAtMillis }: Failure): number =>
  failedAtMillis + retryDelayMillis(attempts)
