/** Conditions about certificates and masters. Pure. */
import type { AlertCondition, ConditionOf } from "@nxmesh/protocol/model/AlertCondition"
import type { AlertSubject } from "@nxmesh/protocol/model/Alert"
import type { Place } from "@nxmesh/protocol/model/Place"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { bytesText } from "../cluster/DiskAlarm.ts"
import { isAlive, type LiveStatus } from "../cluster/ClusterStatus.ts"
import { majority } from "../cluster/Quorum.ts"
import { type Finding, type Findings, found, unjudged } from "./Findings.ts"

export interface SeenCertificate {
  readonly id: string
  readonly name: string
  readonly domain: string
  readonly expiresAt: string
  readonly place: Place
}

export interface SeenCluster {
  readonly id: string
  readonly createdAt: string
  readonly status: LiveStatus
  readonly masterNames: ReadonlyMap<string, string>
  readonly lastBackupAt: string | undefined
}

const dayMillis = 86_400_000
const megabyte = 1_048_576
const installation: Place = { organization_id: null, workspace_id: null }

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`

export const certificateFindings = (
  { within_days }: ConditionOf<"certificate_expiry">,
  certificates: ReadonlyArray<SeenCertificate>,
  nowMillis: number
): Findings =>
  found(
    certificates.flatMap(({ domain, expiresAt, id, name, place }) => {
      const left = Date.parse(expiresAt) - nowMillis
      if (left > within_days * dayMillis) return []
      const days = Math.floor(Math.abs(left) / dayMillis)
      const when = left <= 0 ? `expired ${counted(days, "day")} ago` : `expires in ${counted(days, "day")}`
      return [
        {
          subject: { kind: "certificate", id, name, part: "" } as const,
          place,
          agentId: null,
          labels: {},
          reason: `the certificate of ${domain} ${when}, at ${expiresAt}`,
          value: Math.floor(left / dayMillis)
        }
      ]
    })
  )

const ofInstallation = (subject: AlertSubject, reason: string, value: number | null = null): Finding => ({
  subject,
  place: installation,
  agentId: null,
  labels: {},
  reason,
  value
})

const masterSubject = ({ masterNames }: SeenCluster, id: string): AlertSubject => ({
  kind: "master",
  id,
  name: masterNames.get(id) ?? id,
  part: ""
})

const clusterSubject = ({ id }: SeenCluster, part = ""): AlertSubject => ({
  kind: "cluster",
  id,
  name: "cluster",
  part
})

/** Of voters that run, how many may fail while a majority is left. */
const margin = ({ masters, voters }: LiveStatus): number => {
  const alive = voters.filter((id) => {
    const master = masters.get(id)
    return master !== undefined && isAlive(master)
  })
  return alive.length - majority(voters.length)
}

const quorumMargin = (cluster: SeenCluster): ReadonlyArray<Finding> => {
  const { voters } = cluster.status
  const left = margin(cluster.status)
  // One master alone, or two, tolerate no failure by their number.
  if (voters.length < 3 || left > 0) return []
  return [
    ofInstallation(
      clusterSubject(cluster),
      "one more master that fails takes the majority: nothing could be changed",
      left
    )
  ]
}

const disks = ({ free_below_megabytes }: ConditionOf<"master_disk">, cluster: SeenCluster): Findings => {
  const { masters } = cluster.status
  const short = [...masters].flatMap(([id, { disk }]) =>
    disk === null || disk.freeBytes >= free_below_megabytes * megabyte
      ? []
      : [
          ofInstallation(
            masterSubject(cluster, id),
            `only ${bytesText(disk.freeBytes)} are free on the disk of its data directory`,
            Math.floor(disk.freeBytes / megabyte)
          )
        ]
  )
  const silent = [...masters].filter(([, { disk }]) => disk === null).map(([id]) => id)
  return found(short, new Set(silent))
}

const lags = ({ above_entries }: ConditionOf<"apply_lag">, cluster: SeenCluster): Findings => {
  const { commitIndex, masters } = cluster.status
  const behind = [...masters].flatMap(([id, { appliedIndex }]) =>
    appliedIndex === null || commitIndex - appliedIndex <= above_entries
      ? []
      : [
          ofInstallation(
            masterSubject(cluster, id),
            `its state is ${commitIndex - appliedIndex} entries behind the log`,
            commitIndex - appliedIndex
          )
        ]
  )
  const silent = [...masters].filter(([, { appliedIndex }]) => appliedIndex === null)
  return found(behind, new Set(silent.map(([id]) => id)))
}

/** Numbers in a sentence change while its subject stays. */
const warningPart = (sentence: string): string => sha256Hex(sentence.replace(/\d+/g, "#")).slice(0, 16)

const warnings = (cluster: SeenCluster): ReadonlyArray<Finding> =>
  cluster.status.warnings.map((sentence) => ofInstallation(clusterSubject(cluster, warningPart(sentence)), sentence))

/** A cluster that is younger than that owes nobody a backup yet. */
const backupAge = ({ above_hours }: ConditionOf<"backup_age">, cluster: SeenCluster, nowMillis: number) => {
  const hours = Math.floor((nowMillis - Date.parse(cluster.lastBackupAt ?? cluster.createdAt)) / 3_600_000)
  if (hours < above_hours) return []
  const since = cluster.lastBackupAt === undefined ? "was ever taken" : `was taken for ${counted(hours, "hour")}`
  return [ofInstallation(clusterSubject(cluster), `no backup ${since}: nxmesh backup`, hours)]
}

export const clusterFindings = (condition: AlertCondition, cluster: SeenCluster, nowMillis: number): Findings => {
  switch (condition.kind) {
    case "master_away":
      return found(
        [...cluster.status.masters].flatMap(([id, { healthy, problem }]) =>
          healthy ? [] : [ofInstallation(masterSubject(cluster, id), problem ?? "does not answer")]
        )
      )
    case "no_quorum_margin":
      return found(quorumMargin(cluster))
    case "master_disk":
      return disks(condition, cluster)
    case "apply_lag":
      return lags(condition, cluster)
    case "master_warning":
      return found(warnings(cluster))
    case "backup_age":
      return found(backupAge(condition, cluster, nowMillis))
    default:
      return unjudged(`${condition.kind} is not about the masters`)
  }
}
