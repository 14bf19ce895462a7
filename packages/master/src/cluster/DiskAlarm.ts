/**
 * When the disk has too little room for changes (design-cluster.md 20). Every change is written on every master, so what
 * counts is whether a majority of voters has room: one full disk costs what one dead master costs, and its master says
 * so. When the disks of a majority are short, changes that add something are refused everywhere, before the masters stop
 * one after the other in the middle of a write. Deleting goes on, and so does what keeps the cluster running. Pure.
 */
import type { CommandTag } from "@nxmesh/protocol/Command"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { WritesRefused } from "../command/WriteGate.ts"
import { Limits } from "../Limits.ts"
import type { LiveMaster } from "./ClusterStatus.ts"
import { majority } from "./Quorum.ts"

const { diskAlarmBytes, diskAlarmShare } = Limits.cluster

/** Below both of its bounds a disk is short; it is so until twice as much is free, so that the alarm does not flicker. */
export const isShort = (
  wasShort: boolean,
  { freeBytes, totalBytes }: { readonly freeBytes: number; readonly totalBytes: number }
): boolean => {
  const bound = Math.min(diskAlarmBytes, diskAlarmShare * totalBytes)
  return freeBytes < (wasShort ? 2 * bound : bound)
}

/** What people add, which stays until they take it away. All other commands are bounded, or make room. */
const adding: ReadonlySet<CommandTag> = new Set<CommandTag>([
  "SaveOrganization",
  "SaveWorkspace",
  "SaveAgent",
  "CreateEnrolmentToken",
  "EnrolAgent",
  "SaveVirtualHost",
  "SaveUpstream",
  "SaveCertificate",
  "SaveTemplate",
  "SaveUser",
  "SaveAlertRule",
  "SaveWebhook",
  "SaveSettings",
  "SaveRole",
  "SaveGroup",
  "SaveRoleBinding",
  "SaveServiceAccount",
  "SaveAlertSilence"
])

export const adds = (tag: CommandTag): boolean => adding.has(tag)

/**
 * Why changes that add something are refused; `null`: they are not. A voter that does not answer has no room that anyone
 * knows of, but silence alone closes nothing: some disk must be known to be short.
 */
export const closure = (
  voters: ReadonlyArray<MasterId>,
  masters: ReadonlyMap<MasterId, Pick<LiveMaster, "disk">>,
  short: ReadonlySet<MasterId>
): string | null => {
  const withRoom = voters.filter((id) => !short.has(id) && (masters.get(id)?.disk ?? null) !== null)
  const full = voters.filter((id) => short.has(id))
  if (full.length === 0 || withRoom.length >= majority(voters.length)) return null
  const names = full.join(", ")
  return (
    `the disk of master ${names} is almost full, and a majority needs it. Delete what is not needed, or make room ` +
    `in its data directory's file system; deletes are still taken`
  )
}

export const gateOf =
  (reason: string) =>
  (tag: CommandTag): WritesRefused | null =>
    adds(tag) ? new WritesRefused({ reason }) : null

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const

/** As in `1.5 GiB`. */
export const bytesText = (bytes: number): string => {
  const power = bytes < 1_024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1_024 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`
}
