/** Lines in the log about refusals of who has shown nothing of themselves: a flood fills metrics, not disks. */
import { Limits } from "../Limits.ts"
import { take } from "./TokenBucket.ts"

/** Whether there is room for a line, by a clock in milliseconds. Everybody's lines count together. */
export const boundedLines = (): ((nowMillis: number) => boolean) => {
  let fullAt: number | undefined
  return (nowMillis) => {
    const { fullAtMillis, isAllowed } = take(Limits.network.refusalLines, fullAt, nowMillis)
    fullAt = fullAtMillis
    return isAllowed
  }
}
