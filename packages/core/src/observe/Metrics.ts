/**
 * The Prometheus registry of a program, by prom-client. A metric asked for twice under one name is the same metric, so
 * a layer may be built more than once.
 */
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge, Histogram, Registry } from "prom-client"
import type { CounterConfiguration, GaugeConfiguration, HistogramConfiguration } from "prom-client"

/** Names are `nxmesh_<program>_<what>_<unit>`, counters end in `_total` (Prometheus' naming rules). */
export class Metrics extends Context.Service<
  Metrics,
  {
    readonly registry: Registry
    readonly counter: <L extends string = never>(
      options: Omit<CounterConfiguration<L>, "registers">
    ) => Effect.Effect<Counter<L>>
    readonly gauge: <L extends string = never>(
      options: Omit<GaugeConfiguration<L>, "registers">
    ) => Effect.Effect<Gauge<L>>
    readonly histogram: <L extends string = never>(
      options: Omit<HistogramConfiguration<L>, "registers">
    ) => Effect.Effect<Histogram<L>>
    /** The exposition text, as `/metrics` answers it. */
    readonly text: Effect.Effect<string>
    readonly contentType: string
  }
>()("@nxmesh/core/observe/Metrics") {
  static readonly layer = Layer.sync(Metrics, () => {
    const registry = new Registry()
    const registers = [registry]
    const once = <M>(name: string, make: () => M): Effect.Effect<M> =>
      Effect.sync(() => (registry.getSingleMetric(name) as M | undefined) ?? make())
    return Metrics.of({
      registry,
      counter: <L extends string>(options: Omit<CounterConfiguration<L>, "registers">) =>
        once(options.name, () => new Counter<L>({ ...options, registers })),
      gauge: <L extends string>(options: Omit<GaugeConfiguration<L>, "registers">) =>
        once(options.name, () => new Gauge<L>({ ...options, registers })),
      histogram: <L extends string>(options: Omit<HistogramConfiguration<L>, "registers">) =>
        once(options.name, () => new Histogram<L>({ ...options, registers })),
      text: Effect.promise(() => registry.metrics()),
      contentType: registry.contentType
    })
  })
}
