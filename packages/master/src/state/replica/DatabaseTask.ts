/** Raft's work on whole databases, for the state of a master. */
import { type DatabaseTask, runDatabaseTask as runTask } from "@nxmesh/raft/sqlite/DatabaseTask"
import { appliedIndexQuery } from "../Meta.ts"

export type { DatabaseFile } from "@nxmesh/raft/sqlite/DatabaseTask"

export const runDatabaseTask = (task: DatabaseTask) => runTask(task, appliedIndexQuery)
