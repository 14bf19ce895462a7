/** How nginx is: its master from the process table, its connections from stub_status on the proof socket. */
import { readFile } from "node:fs/promises"
import type { NginxStatus } from "@nxmesh/protocol/model/Health"
import { Clock, Context, Effect, Layer, Ref } from "effect"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as ProcessTable from "../nginx/ProcessTable.ts"
import * as ProofAnswer from "../nginx/ProofAnswer.ts"
import { openFilesOf, type OpenFilesTotal, totalOf } from "./OpenFiles.ts"

/** USER_HZ, in which /proc counts start times: 100 on every Linux that runs Node. */
const ticksPerSecond = 100

/** Requests counted at an instant: nginx restarts its count with its master. */
interface Count {
  readonly pid: number
  readonly requests: number
  readonly atMillis: number
}

/** Pure: what was served between two counts of the same master. */
export const requestsPerSecond = (before: Count | null, after: Count): number => {
  if (before === null || before.pid !== after.pid) return 0
  const seconds = (after.atMillis - before.atMillis) / 1_000
  const served = after.requests - before.requests
  return seconds <= 0 || served < 0 ? 0 : Math.round((10 * served) / seconds) / 10
}

const notRunning: NginxStatus = {
  is_running: false,
  pid: null,
  uptime_seconds: 0,
  active_connections: 0,
  requests_per_second: 0
}

const uptime = Effect.promise(() => readFile("/proc/uptime", "utf8").catch(() => "0")).pipe(
  Effect.map((text) => Number.parseFloat(text))
)

export interface NginxReading {
  readonly status: NginxStatus
  readonly stub: ProofAnswer.NginxStatus | null
  /** The deployment that a worker says it serves. */
  readonly answeredBy: string | null
  /** Of the master and its workers; `null` when they cannot be asked. */
  readonly openFiles: OpenFilesTotal | null
}

const openFiles = (master: ProcessTable.ProcessIdentity): OpenFilesTotal | null =>
  totalOf([master, ...ProcessTable.children(master.pid)].map(({ pid }) => openFilesOf(pid)))

export class NginxHealth extends Context.Service<NginxHealth, { readonly read: Effect.Effect<NginxReading> }>()(
  "@nxmesh/agent/health/NginxHealth"
) {
  static readonly layer = Layer.effect(
    NginxHealth,
    Effect.gen(function* () {
      const { pidFile, runtimeDirectory } = yield* NginxInstance
      const last = yield* Ref.make<Count | null>(null)
      return NginxHealth.of({
        read: Effect.gen(function* () {
          const master = yield* Effect.orElseSucceed(NginxProcess.find(pidFile), () => null)
          if (master === null) return { status: notRunning, stub: null, answeredBy: null, openFiles: null }
          const [answer, stub] = yield* Effect.all(
            [ProofAnswer.ask(runtimeDirectory), ProofAnswer.status(runtimeDirectory)],
            { concurrency: 2 }
          )
          const after = { pid: master.pid, requests: stub?.requests ?? 0, atMillis: yield* Clock.currentTimeMillis }
          const before = yield* Ref.get(last)
          if (stub !== null) yield* Ref.set(last, after)
          return {
            stub,
            answeredBy: answer?.deploymentId ?? null,
            openFiles: openFiles(master),
            status: {
              is_running: true,
              pid: master.pid,
              uptime_seconds: Math.max(0, Math.round((yield* uptime) - Number(master.startTicks) / ticksPerSecond)),
              active_connections: stub?.activeConnections ?? 0,
              requests_per_second: stub === null ? 0 : requestsPerSecond(before, after)
            }
          }
        })
      })
    })
  )
}
