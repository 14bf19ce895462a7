/** How long clients wait for a write when the leader is killed, and when it hands over on purpose. */
import { agreedLeader, caughtUp } from "../cluster/Cluster.ts"
import type { Cluster } from "../cluster/Cluster.ts"
import type { GeneratorProcess } from "../load/GeneratorProcess.ts"
import { monotonicMillis } from "../MonotonicClock.ts"
import { longestPause } from "./Pause.ts"
import { connect, withCluster } from "./System.ts"
import type { System } from "./System.ts"

const pollMillis = 25
const patienceMillis = 60_000
const settleMillis = 500
const lightLoad = { operation: "put", clients: 16, keys: 1_000, valueBytes: 256, pauseMillis: 5 } as const
const fullLoad = { operation: "put", clients: 64, keys: 1_000, valueBytes: 256, pauseMillis: 0 } as const

/** More than the answers that may still have been on their way: each client waits for one. */
const answersToGoOn = lightLoad.clients * 4

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

const answersAfter = async (generator: GeneratorProcess, sinceMillis: number): Promise<ReadonlyArray<number>> => {
  const deadline = monotonicMillis() + patienceMillis
  while (monotonicMillis() < deadline) {
    const answers = await generator.answersSince(sinceMillis)
    if (answers.length >= answersToGoOn) return answers
    await pause(pollMillis)
  }
  throw new Error(`no writes within ${patienceMillis / 1_000} s after the leader was killed`)
}

const failOnce = async (generator: GeneratorProcess, cluster: Cluster): Promise<number> => {
  const leader = await agreedLeader(cluster)
  const killedAt = monotonicMillis()
  cluster.kill(leader)
  const longest = longestPause(await answersAfter(generator, killedAt), killedAt)
  await cluster.restart(leader)
  await caughtUp(cluster, leader)
  await pause(settleMillis)
  return longest!.toMillis - killedAt
}

/** Milliseconds from kill -9 to the end of the pause, one for each round. Each round ends when the killed member has caught up. */
export const measureFailover = (generator: GeneratorProcess, system: System, rounds: number) =>
  withCluster(system, async (cluster, leader) => {
    await connect(generator, system, { cluster, leader, retries: true })
    await generator.begin(lightLoad)
    await pause(settleMillis)
    const millis: Array<number> = []
    for (let round = 0; round < rounds; round++) millis.push(await failOnce(generator, cluster))
    await generator.end()
    await generator.disconnect()
    return millis
  })

export interface Handover {
  /** The longest stretch without an acknowledgement in the second after leadership was handed over. */
  readonly pauseMillis: number
  /** The same, in the second before: what is due to the load itself. */
  readonly ordinaryMillis: number
}

const handOverOnce = async (generator: GeneratorProcess, cluster: Cluster): Promise<Handover> => {
  const from = await agreedLeader(cluster)
  const to = cluster.endpoints.find(({ id }) => id !== from)!.id
  const startedAt = monotonicMillis()
  await pause(1_000)
  const handedOverAt = monotonicMillis()
  await cluster.transferLeadership(from, to)
  await pause(1_000)
  const answers = await generator.answersSince(startedAt)
  const lengthSince = (sinceMillis: number, untilMillis: number): number => {
    const longest = longestPause(
      answers.filter((at) => at >= sinceMillis && at < untilMillis),
      sinceMillis
    )
    return longest === null ? untilMillis - sinceMillis : longest.toMillis - longest.fromMillis
  }
  if ((await agreedLeader(cluster)) !== to) throw new Error(`${from} did not hand over to ${to}`)
  return {
    pauseMillis: lengthSince(handedOverAt, monotonicMillis()),
    ordinaryMillis: lengthSince(startedAt, handedOverAt)
  }
}

export const measureHandover = (generator: GeneratorProcess, system: System, rounds: number) =>
  withCluster(system, async (cluster, leader) => {
    await connect(generator, system, { cluster, leader, retries: true })
    await generator.begin(fullLoad)
    await pause(2_000)
    const handovers: Array<Handover> = []
    for (let round = 0; round < rounds; round++) handovers.push(await handOverOnce(generator, cluster))
    await generator.end()
    await generator.disconnect()
    return handovers
  })
