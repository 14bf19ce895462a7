/** What the registry holds, as the wire carries it. Pure. */
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { MetricSample } from "@nxmesh/protocol/link/Report"

/** As `Registry.getMetricsAsJSON` of prom-client answers. */
export interface RegistryMetric {
  readonly name: string
  readonly values: ReadonlyArray<{
    readonly value: number
    readonly labels: Partial<Record<string, string | number>>
    readonly metricName?: string
  }>
}

const isBucket = (name: string): boolean => name.endsWith("_bucket")

/**
 * Histograms go as their sum and count: their buckets would be most of a report. What does not fit is counted, not sent.
 */
export const samplesOf = (
  metrics: ReadonlyArray<RegistryMetric>
): { readonly samples: ReadonlyArray<MetricSample>; readonly leftOut: number } => {
  const all = metrics.flatMap(({ name, values }) =>
    values
      .map(({ labels, metricName, value }): MetricSample => {
        const texts = Object.entries(labels).map(([label, text]) => [label, String(text)] as const)
        return { name: (metricName ?? name).slice(0, 128), labels: Object.fromEntries(texts), value }
      })
      .filter((sample) => Number.isFinite(sample.value) && !isBucket(sample.name))
  )
  const samples = all.slice(0, WireLimits.metricSamplesPerReportMax)
  return { samples, leftOut: all.length - samples.length }
}
