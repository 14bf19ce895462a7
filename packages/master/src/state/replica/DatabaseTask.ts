/** Raft's work on whole databases, for the state of a master. */
import { type DatabaseTask, runDatabaseTask as runTask } from "@nxmesh/raft/sqlite/DatabaseTask"

export type { DatabaseFile } from "@nxmesh/raft/sqlite/DatabaseTask"

/** From inside the file (rule 9). */
const appliedIndex = "SELECT value FROM meta WHERE name = 'applied_index'"

export const runDatabaseTask = (task: DatabaseTask) => runTask(task, appliedIndex)
