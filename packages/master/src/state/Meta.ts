/** What the state's file says of itself, by name: the entry that it ends with, and notes of this master that are not replicated. */
import type { Connection } from "./Connection.ts"

/** A statement that answers the index of the last entry applied, from inside the file (rule 9). */
export const appliedIndexQuery = "SELECT value FROM meta WHERE name = 'applied_index'"

export const readMeta = (connection: Connection, name: string): string | undefined =>
  connection.get<{ readonly value: string }>("SELECT value FROM meta WHERE name = ?", name)?.value

/** REPLACE, because the trigger that keeps the digest's index waits for an inserted row. */
export const putMeta = (connection: Connection, name: string, value: string): void => {
  connection.run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", name, value)
}
