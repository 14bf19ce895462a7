/** Three processes on this machine that replicate, whichever program they run. */
import type { Endpoint } from "./Endpoint.ts"

export interface MemberStatus {
  readonly leader: string | null
  readonly term: number
  readonly applied: number
}

export interface Cluster {
  readonly endpoints: ReadonlyArray<Endpoint>
  readonly pids: () => ReadonlyArray<number>
  /** Rejects when the member does not answer. */
  readonly status: (id: string) => Promise<MemberStatus>
  /** kill -9. */
  readonly kill: (id: string) => void
  readonly restart: (id: string) => Promise<void>
  readonly transferLeadership: (from: string, to: string) => Promise<void>
  readonly stop: () => Promise<void>
}

const pollMillis = 20
const patienceMillis = 60_000

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Asks until `take` has what it wants. */
const poll = async <A>(what: string, take: () => Promise<A | null>): Promise<A> => {
  const deadline = performance.now() + patienceMillis
  let last: unknown = null
  while (performance.now() < deadline) {
    try {
      const found = await take()
      if (found !== null) return found
    } catch (cause) {
      last = cause
    }
    await pause(pollMillis)
  }
  throw new Error(`${what}: not within ${patienceMillis / 1_000} s`, { cause: last })
}

/** The leader that all members name. */
export const agreedLeader = (cluster: Cluster): Promise<string> =>
  poll("all members agree on a leader", async () => {
    const statuses = await Promise.all(cluster.endpoints.map(({ id }) => cluster.status(id)))
    const leader = statuses[0]?.leader ?? null
    return statuses.every((status) => status.leader === leader) ? leader : null
  })

/** Until a member has applied what the leader had applied when this was called. */
export const caughtUp = async (cluster: Cluster, id: string): Promise<void> => {
  const others = cluster.endpoints.filter((endpoint) => endpoint.id !== id)
  const applied = await poll("the other members answer", async () => {
    const statuses = await Promise.all(others.map((other) => cluster.status(other.id)))
    return Math.max(...statuses.map((status) => status.applied))
  })
  await poll(`${id} catches up`, async () => ((await cluster.status(id)).applied >= applied ? true : null))
}
