/**
 * The pid file, made true again where it lies. It outlives its process, and another may have the number by then; somebody may remove
 * it under a running nginx; and of two masters, one that drains removes it when it ends, although the other has written it since.
 * The master that holds our proof socket is ours, whatever the file says.
 */
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { NginxInstanceSettings } from "./NginxInstance.ts"
import * as NginxProcess from "./NginxProcess.ts"
import * as ProcessTable from "./ProcessTable.ts"
import { socketPath } from "./ProofAnswer.ts"

/** Of a process that a pid file names. */
export interface Named {
  readonly pid: number
  /** An nginx master's prefix (`-p`), or `null`. */
  readonly prefix: string | null
  readonly isMaster: boolean
}

export interface PidFacts {
  /** `null`: no file, or no process of that number. */
  readonly named: Named | null
  /** `.oldbin` names a master that lives: its successor has the file next (nginx, "Upgrading Executable on the Fly"). */
  readonly upgrading: boolean
  /** Masters that hold our proof socket and do not quit. */
  readonly holders: ReadonlyArray<number>
}

export type PidDecision =
  | { readonly _tag: "Nothing" }
  | { readonly _tag: "Write"; readonly pid: number }
  /** It names a process that is none of ours: to leave it would have us signal a stranger. */
  | { readonly _tag: "Remove" }

/** Pure. `prefix` is set for an nginx of the agent's own, whose pid file is the agent's to remove. */
export const decide = (
  { holders, named, upgrading }: PidFacts,
  { prefix }: Pick<NginxInstanceSettings, "prefix">
): PidDecision => {
  if (upgrading) return { _tag: "Nothing" }
  const isOurs = named !== null && named.isMaster && (prefix === null || named.prefix === prefix)
  if (isOurs) return { _tag: "Nothing" }
  const [holder] = holders
  if (holder !== undefined && holders.length === 1) return { _tag: "Write", pid: holder }
  return prefix !== null && named !== null ? { _tag: "Remove" } : { _tag: "Nothing" }
}

const pidIn = (path: string): Effect.Effect<number | null> =>
  Effect.promise(async () => {
    const text = await readFile(path, "utf8").catch(() => "")
    return /^\d+\s*$/.test(text) && Number(text) > 1 ? Number(text) : null
  })

const nameOf = (pid: number): Named | null => {
  if (ProcessTable.identify(pid) === null) return null
  const title = ProcessTable.title(pid)
  const isMaster = NginxProcess.isMaster(pid)
  return { pid, isMaster, prefix: isMaster ? NginxProcess.parseArguments(title).prefix : null }
}

/** Masters that hold the proof socket. Those that quit have closed it. */
const holdersOf = (runtimeDirectory: string): ReadonlyArray<number> => {
  const path = socketPath(runtimeDirectory)
  const inodes = ProcessTable.unixSockets().flatMap((socket) => (socket.path === path ? [socket.inode] : []))
  if (inodes.length === 0) return []
  return ProcessTable.allPids().filter((pid) => {
    if (!NginxProcess.isMaster(pid)) return false
    const held = ProcessTable.socketInodes(pid)
    return inodes.some((inode) => held.has(inode))
  })
}

/** Whether a successor is being started, or has been and the old master still lives. */
export const isUpgrading = (pidFile: string): Effect.Effect<boolean> =>
  Effect.map(pidIn(`${pidFile}.oldbin`), (pid) => pid !== null && NginxProcess.isMaster(pid))

/** Finds out and mends; answers what it did. Cheap while the file names a master of ours: two small reads. */
export const mend = Effect.fn("PidFile.mend")(function* (
  instance: NginxInstanceSettings
): Effect.fn.Return<PidDecision, FileError> {
  const { pidFile, runtimeDirectory } = instance
  // A container's pid file holds a number of another namespace, and is not the agent's.
  if (instance.sidecar === true) return { _tag: "Nothing" }
  const pid = yield* pidIn(pidFile)
  const named = pid === null ? null : nameOf(pid)
  if (named?.isMaster === true && (instance.prefix === null || named.prefix === instance.prefix)) {
    return { _tag: "Nothing" }
  }
  const decision = decide(
    { named, upgrading: yield* isUpgrading(pidFile), holders: holdersOf(runtimeDirectory) },
    instance
  )
  if (decision._tag === "Write") {
    yield* Effect.logWarning(`${pidFile} did not name the nginx that runs, and names it again`, { pid: decision.pid })
    yield* AtomicFile.write(pidFile, `${decision.pid}\n`, { mode: 0o644 })
  }
  if (decision._tag === "Remove") {
    yield* Effect.logWarning(`${pidFile} named a process that is not this agent's nginx, and is removed`, { pid })
    yield* AtomicFile.remove(pidFile)
  }
  return decision
})
