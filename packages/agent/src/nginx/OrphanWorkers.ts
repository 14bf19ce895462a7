/**
 * Workers whose master was killed. They go on serving what they had, hold the ports, and take no reload: nginx cannot start
 * beside them. They are ours when they hold our proof socket, or when their standard error is our nginx's log.
 */
import { Clock, Duration, Effect } from "effect"
import { Limits } from "../Limits.ts"
import * as NginxProcess from "./NginxProcess.ts"
import * as ProcessTable from "./ProcessTable.ts"
import { socketPath } from "./ProofAnswer.ts"

const hasNginxParent = (pid: number): boolean =>
  ProcessTable.title(ProcessTable.stat(pid)?.parentPid ?? 0).startsWith("nginx: master process")

/** `logFile` is the main error log of a private prefix, or `null`. */
export const find = (runtimeDirectory: string, logFile: string | null): ReadonlyArray<ProcessTable.ProcessIdentity> => {
  const path = socketPath(runtimeDirectory)
  const inodes = ProcessTable.unixSockets().flatMap((socket) => (socket.path === path ? [socket.inode] : []))
  const isOurs = (pid: number): boolean => {
    if (logFile !== null && ProcessTable.link(pid, "fd/2") === logFile) return true
    const held = ProcessTable.socketInodes(pid)
    return inodes.some((inode) => held.has(inode))
  }
  return ProcessTable.allPids()
    .filter((pid) => NginxProcess.isWorker(pid) && !hasNginxParent(pid) && isOurs(pid))
    .flatMap((pid) => ProcessTable.identify(pid) ?? [])
}

/**
 * Asks them to quit, which closes their listening sockets at once and finishes the requests in flight; those that have
 * not begun to leave within the grace are killed. Answers the pids.
 */
export const retire = Effect.fn("OrphanWorkers.retire")(function* (
  runtimeDirectory: string,
  logFile: string | null
): Effect.fn.Return<ReadonlyArray<number>> {
  const orphans = find(runtimeDirectory, logFile).filter((orphan) => !NginxProcess.isLeaving(orphan))
  if (orphans.length === 0) return []
  yield* Effect.logWarning("retiring workers whose master was killed", { pids: orphans.map(({ pid }) => pid) })
  // Each may end by itself at any moment: a signal that finds nobody has nothing left to do.
  yield* Effect.forEach(orphans, (orphan) => Effect.ignore(NginxProcess.signal(orphan, "SIGQUIT")), { discard: true })
  const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(Limits.orphanGrace)
  while (!orphans.every(NginxProcess.isLeaving) && (yield* Clock.currentTimeMillis) < deadline) {
    yield* Effect.sleep(Limits.proofPollInterval)
  }
  for (const orphan of orphans.filter((one) => !NginxProcess.isLeaving(one))) {
    yield* Effect.ignore(NginxProcess.signal(orphan, "SIGKILL"))
  }
  return orphans.map(({ pid }) => pid)
})
