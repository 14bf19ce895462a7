/** What an operator should do or know about the masters, in sentences, the most urgent first. Pure. */
import type { ClusterState } from "../state/ReadCluster.ts"
import type { ResourceOf } from "../state/Kinds.ts"
import { isAlive, type LiveStatus } from "./ClusterStatus.ts"
import { judgeUpgrade, upgradeAdvice } from "./Upgrade.ts"
import { judgeVoters, majority, sizeAdvice, toleratedFailures } from "./Quorum.ts"

export interface ClusterFacts {
  readonly state: ClusterState
  /** Who should be a member. */
  readonly masters: ReadonlyArray<ResourceOf<"master">>
  readonly live: LiveStatus
}

const leaderAdvice = ({ live: { leaderId, voters } }: ClusterFacts): ReadonlyArray<string> =>
  leaderId !== null
    ? []
    : [
        `no leader is known: nothing can be changed until ${majority(voters.length)} of the ${voters.length} voters reach each other`
      ]

/** The voters that are down, and how far the cluster is from stopping. */
const voterAdvice = ({ live, masters }: ClusterFacts): ReadonlyArray<string> => {
  const alive = new Set([...live.masters.values()].filter(isAlive).map(({ id }) => id))
  const verdict = judgeVoters(live.voters, alive)
  const down = live.voters.filter((id) => !alive.has(id))
  if (down.length === 0) return []
  const names = down.map((id) => masters.find((master) => master.id === id)?.name ?? id).join(", ")
  if (verdict._tag === "Lost") {
    return [`too many voters are down (${names}): bring them back, or recover the cluster from one that has its data`]
  }
  const left = toleratedFailures(live.voters.length) - down.length
  return left === 0
    ? [`one more failure stops the cluster: bring back ${names}, or remove what does not come back and add another`]
    : []
}

/** Some problems name the master themselves. */
const sentenceAbout = (name: string, problem: string): string =>
  problem.startsWith(`${name} `) ? problem : `${name}: ${problem}`

const healthAdvice = ({ live, masters }: ClusterFacts): ReadonlyArray<string> =>
  masters.flatMap(({ id, name }) => {
    const found = live.masters.get(id)
    if (found === undefined) return [`${name} has not been heard of yet`]
    return found.healthy ? [] : [sentenceAbout(name, found.problem ?? "is not healthy")]
  })

const freezeAdvice = ({ state: { freezeReason, frozen } }: ClusterFacts): ReadonlyArray<string> =>
  frozen ? [`deployments are frozen: ${freezeReason ?? "no reason was given"}`] : []

/** During an upgrade that is so for minutes; afterwards someone forgot one. */
const versionAdvice = ({ live, masters }: ClusterFacts): ReadonlyArray<string> => {
  const versions = new Set(masters.map((master) => live.masters.get(master.id)?.version ?? master.version))
  return versions.size > 1
    ? [`the masters run different versions (${[...versions].sort().join(", ")}): finish the upgrade`]
    : []
}

const clusterVersionAdvice = ({ masters, state: { clusterVersion } }: ClusterFacts): ReadonlyArray<string> => {
  const advice = upgradeAdvice(clusterVersion, judgeUpgrade(clusterVersion, masters))
  return advice === null ? [] : [advice]
}

const countAdvice = ({ masters }: ClusterFacts): ReadonlyArray<string> => {
  const advice = sizeAdvice(masters.filter(({ voter }) => voter).length)
  return advice === null ? [] : [advice]
}

export const clusterAdvice = (facts: ClusterFacts): ReadonlyArray<string> => [
  ...new Set([
    ...leaderAdvice(facts),
    ...voterAdvice(facts),
    ...freezeAdvice(facts),
    ...healthAdvice(facts),
    ...facts.live.warnings,
    ...versionAdvice(facts),
    ...clusterVersionAdvice(facts),
    ...countAdvice(facts)
  ])
]
