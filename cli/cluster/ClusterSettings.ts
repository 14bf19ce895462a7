import { join } from "node:path"
import { inPlayground, readJson, writePrivately } from "../playground/Folder.ts"
import { freePort } from "../playground/Ports.ts"

/** Everything the cluster keeps: `rm -rf .nxmesh/cluster` starts anew. */
export const clusterFolder = inPlayground("cluster")
export const inCluster = (...segments: ReadonlyArray<string>): string => join(clusterFolder, ...segments)
export const clusterLoginFile = inCluster("login.json")

export const memberCount = 3

export interface MasterPorts {
  readonly http: number
  readonly agent: number
  readonly peer: number
}

/** What the cluster decided on its first run and keeps: the members know each other by these ports. */
export interface ClusterSettings {
  readonly masters: ReadonlyArray<MasterPorts>
  /** Where each agent's nginx serves its site. */
  readonly sites: ReadonlyArray<number>
  readonly backend: number
}

const settingsFile = inCluster("cluster.json")
const loopback = "127.0.0.1"
const everywhere = "0.0.0.0"
const numbers = Array.from({ length: memberCount }, (_, at) => at)

const first = async (): Promise<ClusterSettings> => {
  const masters: Array<MasterPorts> = []
  const sites: Array<number> = []
  for (const at of numbers) {
    masters.push({
      http: await freePort(loopback, 8180 + at),
      agent: await freePort(loopback, 8543 + at),
      peer: await freePort(loopback, 7543 + at)
    })
    sites.push(await freePort(everywhere, 8188 + at))
  }
  return { masters, sites, backend: await freePort(loopback, 0) }
}

/** Ports stay as on the first run: a master that is not where the others know it could not take part. */
export const loadClusterSettings = async (): Promise<ClusterSettings> => {
  const kept = await readJson<ClusterSettings>(settingsFile)
  if (kept !== undefined) return kept
  const settings = await first()
  await writePrivately(settingsFile, settings)
  return settings
}
