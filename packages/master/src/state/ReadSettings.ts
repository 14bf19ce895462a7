/** What was chosen for the whole installation. */
import type { ChosenSettings } from "@nxmesh/protocol/model/InstallationSettings"
import type { Timestamp } from "@nxmesh/protocol/model/Text"
import type { Connection } from "./Connection.ts"
import { clusterVersion } from "./ReadCluster.ts"

/** The cluster version that brings the table. */
const settingsSince = 4

/** The revision of what nobody has chosen: an entry's index is never lower. */
const firstRevision = 1

export interface StoredSettings {
  readonly chosen: ChosenSettings
  /** `null` before the first choice. */
  readonly updatedAt: Timestamp | null
  readonly revision: number
}

const nothingChosen: StoredSettings = { chosen: {}, updatedAt: null, revision: firstRevision }

export const storedSettings = (connection: Connection): StoredSettings => {
  if (clusterVersion(connection) < settingsSince) return nothingChosen
  const row = connection.get<{ readonly updated_at: Timestamp; readonly revision: number; readonly data: string }>(
    "SELECT updated_at, revision, data FROM installation_settings"
  )
  if (row === undefined) return nothingChosen
  return { chosen: JSON.parse(row.data) as ChosenSettings, updatedAt: row.updated_at, revision: row.revision }
}
