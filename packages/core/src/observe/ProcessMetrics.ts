/** What a program is and uses: version, memory, processor time, event-loop delay. Read when scraped. */
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks"
import { Effect, Layer } from "effect"
import { Metrics } from "./Metrics.ts"

const nanosPerSecond = 1e9
const microsPerSecond = 1e6

const register = Effect.fnUntraced(function* (program: string, version: string) {
  const metrics = yield* Metrics
  const delay = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const histogram = monitorEventLoopDelay()
      histogram.enable()
      return histogram
    }),
    (histogram) => Effect.sync(() => histogram.disable())
  )
  const info = yield* metrics.gauge({
    name: `nxmesh_${program}_build_info`,
    help: "The program's version and Node's, as labels; always 1.",
    labelNames: ["version", "node"]
  })
  info.set({ version, node: process.versions.node }, 1)
  yield* metrics.gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory size in bytes.",
    collect() {
      this.set(process.memoryUsage.rss())
    }
  })
  yield* metrics.gauge({
    name: "nodejs_heap_used_bytes",
    help: "Heap in use, in bytes.",
    collect() {
      this.set(process.memoryUsage().heapUsed)
    }
  })
  yield* metrics.counter({
    name: "process_cpu_seconds_total",
    help: "User and system processor time spent, in seconds.",
    collect() {
      const { system, user } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / microsPerSecond)
    }
  })
  yield* metrics.gauge({
    name: "nodejs_eventloop_delay_p99_seconds",
    help: "99th percentile of the event loop's delay since the last scrape, in seconds.",
    collect() {
      const seconds = delay.percentile(99) / nanosPerSecond
      this.set(Number.isFinite(seconds) ? seconds : 0)
      delay.reset()
    }
  })
})

const collections: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: "minor",
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "major",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "incremental",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weak_callbacks"
}

/** Told by Node after each collection. */
const registerCollections = Effect.gen(function* () {
  const seconds = yield* (yield* Metrics).histogram({
    name: "nodejs_gc_duration_seconds",
    help: "Garbage collections, by kind.",
    labelNames: ["kind"],
    buckets: [0.001, 0.01, 0.1, 1, 2]
  })
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const observer = new PerformanceObserver((list) => {
        for (const { detail, duration } of list.getEntries() as Array<PerformanceEntryOfCollection>) {
          seconds.observe({ kind: collections[detail?.kind ?? -1] ?? "other" }, duration / 1_000)
        }
      })
      observer.observe({ entryTypes: ["gc"] })
      return observer
    }),
    (observer) => Effect.sync(() => observer.disconnect())
  )
})

interface PerformanceEntryOfCollection {
  readonly duration: number
  readonly detail?: { readonly kind?: number }
}

export const layerProcessMetrics = (program: string, version: string): Layer.Layer<never, never, Metrics> =>
  Layer.effectDiscard(Effect.andThen(register(program, version), registerCollections))
