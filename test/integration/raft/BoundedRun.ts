/**
 * A follower is down while the others take all that clients can send. What the leader keeps for it is bounded: the log by
 * `logBytesMax`, memory by what the algorithm keeps of it; then it comes back and gets a snapshot.
 */
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import type { LoadReport } from "./MemberMessage.ts"
import type { MemberProcess } from "./MemberProcess.ts"
import type { TestCluster } from "./TestCluster.ts"

export interface BoundedLoad {
  readonly clients: number
  readonly valueBytes: number
  /** The follower stays away until the leader has written so much to its log, and at least so long. */
  readonly appendedBytes: number
  readonly awayMillis: number
}

/** The largest that was seen on the leader, while the follower was away and until it was back. */
export interface BoundedFigures {
  readonly appendedBytes: number
  readonly writes: number
  readonly awayMillis: number
  readonly catchUpMillis: number
  readonly logBytesMax: number
  readonly diskBytesMax: number
  readonly residentBytesMax: number
  readonly snapshotsTaken: number
}

const sampleMillis = 250

const directoryBytes = (path: string): number =>
  readdirSync(path).reduce((sum, name) => sum + (statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0), 0)

/** Looks at a member from time to time. */
const watch = (member: MemberProcess, storage: string) => {
  const largest = { diskBytesMax: 0, residentBytesMax: 0 }
  const look = async (): Promise<void> => {
    largest.diskBytesMax = Math.max(largest.diskBytesMax, directoryBytes(storage))
    largest.residentBytesMax = Math.max(largest.residentBytesMax, await member.ask<number>({ kind: "usage" }))
  }
  const timer = setInterval(() => void look().catch(() => undefined), sampleMillis)
  return { largest, end: () => clearInterval(timer) }
}

const passed = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

export const runBounded = async (
  cluster: TestCluster,
  { appendedBytes, awayMillis, clients, valueBytes }: BoundedLoad
): Promise<BoundedFigures & { readonly report: LoadReport; readonly away: MemberProcess }> => {
  const leader = await cluster.leader()
  const [{ id: absent }] = cluster.others(leader.id) as [MemberProcess]
  await cluster.kill(absent)
  const seen = leader.statuses.length
  const watched = watch(leader, cluster.storage(leader.id))
  const start = performance.now()
  await leader.ask({ kind: "load", clients, valueBytes })
  const isEnough = `${appendedBytes} bytes are appended`
  await leader.until(isEnough, ({ counters }) => counters.appendedBytes >= appendedBytes, 10 * awayMillis + 60_000)
  await passed(Math.max(0, awayMillis - (performance.now() - start)))
  const away = performance.now() - start
  await cluster.start(absent)
  const report = await leader.ask<LoadReport>({ kind: "stopLoad" })
  await cluster.caughtUp(absent)
  watched.end()
  const statuses = leader.statuses.slice(seen)
  const { counters } = statuses.at(-1)!
  return {
    ...watched.largest,
    appendedBytes: counters.appendedBytes,
    writes: report.writes,
    awayMillis: Math.round(away),
    catchUpMillis: Math.round(performance.now() - start - away),
    logBytesMax: Math.max(...statuses.map(({ logBytes }) => logBytes)),
    snapshotsTaken: counters.snapshotsTaken,
    report,
    away: cluster.member(absent)
  }
}
