/**
 * Whether the cluster may go to the next version of apply's behaviour: when every master knows it (design-cluster.md 6). A
 * master that is away counts by what it last said of itself. Pure.
 */
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

export type DescribedMaster = Pick<MasterDescription, "id" | "name" | "version" | "cluster_versions">

export type Upgrade =
  /** No master knows a version above the cluster's. */
  | { readonly _tag: "Newest" }
  | { readonly _tag: "Held"; readonly next: number; readonly by: ReadonlyArray<DescribedMaster> }
  | { readonly _tag: "Possible"; readonly next: number }

const knows = ({ cluster_versions: { highest, lowest } }: DescribedMaster, version: number): boolean =>
  lowest <= version && version <= highest

export const judgeUpgrade = (clusterVersion: number, masters: ReadonlyArray<DescribedMaster>): Upgrade => {
  const next = clusterVersion + 1
  if (!masters.some((master) => knows(master, next))) return { _tag: "Newest" }
  const by = masters.filter((master) => !knows(master, next))
  return by.length === 0 ? { _tag: "Possible", next } : { _tag: "Held", next, by }
}

const heldBy = ({ cluster_versions, name, version }: DescribedMaster): string =>
  `${name}, which runs ${version} and knows versions up to ${cluster_versions.highest}`

/** For the operator; `null`: there is nothing to do. */
export const upgradeAdvice = (clusterVersion: number, upgrade: Upgrade): string | null => {
  switch (upgrade._tag) {
    case "Newest":
      return null
    case "Held":
      return (
        `the cluster stays at version ${clusterVersion}, as version ${upgrade.next} waits for ` +
        `${upgrade.by.map(heldBy).join("; ")}: upgrade it, or remove it`
      )
    case "Possible":
      return (
        `the cluster is at version ${clusterVersion} and every master knows version ${upgrade.next}: it rises within a minute, ` +
        "or by `nxmesh cluster upgrade` where cluster_upgrade is manual"
      )
  }
}

/** The highest version that every master knows, who is to take it, and since when both are so. */
export interface Steady {
  readonly next: number
  readonly highest: number
  readonly masters: ReadonlyArray<MasterId>
  readonly sinceMillis: number
}

/**
 * What there is to remember of `before`; `null`: the next version is not possible. A cluster on its way through several
 * versions waits once: it goes up one by one, to what all have known for that long.
 */
export const steadied = (
  before: Steady | null,
  upgrade: Upgrade,
  masters: ReadonlyArray<DescribedMaster>,
  nowMillis: number
): Steady | null => {
  if (upgrade._tag !== "Possible") return null
  const ids = masters.map(({ id }) => id)
  const highest = Math.min(...masters.map(({ cluster_versions }) => cluster_versions.highest))
  const isSame =
    before?.highest === highest &&
    before.masters.length === ids.length &&
    ids.every((id) => before.masters.includes(id))
  return { next: upgrade.next, highest, masters: ids, sinceMillis: isSame ? before.sinceMillis : nowMillis }
}

/** Whether it has been so for long enough that no master goes back to the build of before by itself. */
export const isDue = ({ sinceMillis }: Steady, nowMillis: number): boolean =>
  nowMillis - sinceMillis >= Duration.toMillis(Limits.cluster.upgradeStability)
