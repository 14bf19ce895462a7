/** How the rotation of keys stands, as all masters agree on it. Before cluster version 4 there is none. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { Timestamp } from "@nxmesh/protocol/model/Text"
import type { Connection } from "./Connection.ts"
import { digestedTables } from "./digest/DigestedTables.ts"
import { clusterVersion } from "./ReadCluster.ts"

/** The last rotation of the key-encryption key. */
export interface KeyRotation {
  readonly from_key_id: string
  readonly to_key_id: string
  readonly begun_at: Timestamp
  /** Sealed secrets that were wrapped anew. */
  readonly rewrapped: number
  /** `null` while it is under way. */
  readonly ended_at: Timestamp | null
}

export const keyRotation = (connection: Connection): KeyRotation | undefined =>
  clusterVersion(connection) < 4
    ? undefined
    : connection.get<KeyRotation>("SELECT from_key_id, to_key_id, begun_at, rewrapped, ended_at FROM key_rotation")

/** Session keys of agents that are older are to be replaced; `null`: nobody asked for it. */
export const agentKeysBefore = (connection: Connection): Timestamp | null =>
  clusterVersion(connection) < 4
    ? null
    : (connection.get<{ readonly agent_keys_before: Timestamp | null }>("SELECT agent_keys_before FROM cluster")
        ?.agent_keys_before ?? null)

/** When the agent's session key was made; `undefined` for one of before cluster version 4. */
export const agentKeyTime = (connection: Connection, agentId: AgentId): Timestamp | undefined =>
  clusterVersion(connection) < 4
    ? undefined
    : connection.get<{ readonly rotated_at: Timestamp }>(
        "SELECT rotated_at FROM agent_key_times WHERE agent_id = ?",
        agentId
      )?.rotated_at

/** Agents that have a session key, and how many of their keys are older than `before`. */
export const agentKeyCounts = (
  connection: Connection,
  before: string
): { readonly keys: number; readonly older: number } => {
  const keys = connection.get<{ readonly count: number }>("SELECT count(*) AS count FROM agent_keys")?.count ?? 0
  if (clusterVersion(connection) < 4) return { keys, older: keys }
  const newer = connection.get<{ readonly count: number }>(
    "SELECT count(*) AS count FROM agent_key_times WHERE rotated_at >= ?",
    before
  )
  return { keys, older: Math.max(0, keys - (newer?.count ?? 0)) }
}

/** A text of the state that holds a secret which is sealed with a certain key. */
export interface SealedPlace {
  readonly table: string
  readonly key: Readonly<Record<string, string | number>>
  readonly column: string
  readonly text: string
}

/** The audit holds no secrets, and is the largest of all. */
const unsealedTables: ReadonlySet<string> = new Set(["audit"])

interface Column {
  readonly name: string
  readonly type: string
  readonly pk: number
}

const sealedIn = (
  connection: Connection,
  table: string,
  keyId: string,
  placesMax: number
): ReadonlyArray<SealedPlace> => {
  const columns = connection.all<Column>("SELECT name, type, pk FROM pragma_table_info(?)", table)
  const keys = columns.filter(({ pk }) => pk > 0).map(({ name }) => name)
  const places: Array<SealedPlace> = []
  for (const { name } of columns.filter(({ pk, type }) => pk === 0 && type === "TEXT")) {
    if (places.length >= placesMax) break
    const rows = connection.all<Readonly<Record<string, string | number>>>(
      `SELECT ${[...keys, name].map((column) => `"${column}"`).join(", ")} FROM "${table}" WHERE instr("${name}", ?) > 0 LIMIT ?`,
      `"key_id":"${keyId}"`,
      placesMax - places.length
    )
    for (const row of rows) {
      const key = Object.fromEntries(keys.map((column) => [column, row[column] ?? ""]))
      places.push({ table, key, column: name, text: String(row[name]) })
    }
  }
  return places
}

/** Places of secrets that are sealed with this key, wherever in the state they are: also in tables that come later. */
export const placesSealedWith = (
  connection: Connection,
  keyId: string,
  placesMax: number
): ReadonlyArray<SealedPlace> => {
  const places: Array<SealedPlace> = []
  for (const { name } of digestedTables(connection)) {
    if (unsealedTables.has(name)) continue
    if (places.length >= placesMax) break
    places.push(...sealedIn(connection, name, keyId, placesMax - places.length))
  }
  return places
}
