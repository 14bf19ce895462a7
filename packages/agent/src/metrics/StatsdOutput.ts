/** Sends the metrics to a StatsD server by UDP, every ten seconds. Nothing waits for it: what cannot be sent is counted. */
import { createSocket, type Socket } from "node:dgram"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Cause, Effect, Layer, Ref, Schedule } from "effect"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { AgentMetrics } from "./AgentMetrics.ts"
import { samplesOf } from "./Samples.ts"
import { datagramsOf, type Reported, statsdLines } from "./Statsd.ts"

const opened = Effect.acquireRelease(
  Effect.sync(() => createSocket("udp4").unref()),
  (socket) => Effect.promise(() => new Promise<void>((resolve) => socket.close(() => resolve())))
)

/** False when the system did not take it, or the name has no address. */
const send = (socket: Socket, datagram: string, port: number, host: string): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    socket.send(datagram, port, host, (error) => resume(Effect.succeed(error === null)))
  }).pipe(Effect.timeoutOrElse({ duration: Limits.statsdSendTimeout, orElse: () => Effect.succeed(false) }))

/** Without an address nothing is sent. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { statsdAddress } = yield* Settings
    if (statsdAddress === null) return
    const { host, port } = statsdAddress
    const { gather } = yield* AgentMetrics
    const { counter, registry } = yield* Metrics
    const failed = yield* counter({
      name: "nxmesh_agent_statsd_failures_total",
      help: "Datagrams that could not be sent to the StatsD server."
    })
    const socket = yield* opened
    socket.on("error", () => failed.inc())
    const last = yield* Ref.make<Reported>(new Map())
    const report = Effect.gen(function* () {
      yield* gather
      const { samples } = samplesOf(yield* Effect.promise(() => registry.getMetricsAsJSON()))
      const { lines, reported } = statsdLines(samples, yield* Ref.get(last))
      yield* Ref.set(last, reported)
      for (const datagram of datagramsOf(lines, Limits.statsdDatagramBytesMax)) {
        if (!(yield* send(socket, datagram, port, host))) {
          failed.inc()
          return // a server that is not there, or a name without an address: the others would wait as long
        }
      }
    }).pipe(Effect.catchDefect((defect) => Effect.logError("metrics could not be sent to StatsD", Cause.die(defect))))
    yield* Effect.forkScoped(Effect.repeat(report, Schedule.spaced(Limits.statsdInterval)))
  })
)
