/**
 * The way of ended spans to the exporter: bounded, and counted where it is cut off. OpenTelemetry's own processor batches
 * and drops as this does, but says of what it drops only that it did.
 */
import type { ReadableSpan, Span, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace-node"

export type SpanResult = "exported" | "failed" | "dropped"

/** Since the start. */
export type SpanCounts = Readonly<Record<SpanResult, number>>

/** OpenTelemetry's ExportResultCode.SUCCESS is 0. */
const isSuccess = ({ code }: { readonly code: number }): boolean => code === 0

export class CountedSpans implements SpanProcessor {
  /** Spans that wait; the processor behind this one has room for them all. */
  private waiting = 0
  private readonly counted = { exported: 0, failed: 0, dropped: 0 }
  private readonly waitingMax: number
  private readonly next: SpanProcessor

  /** @param behind makes the processor that batches, given the exporter that counts */
  constructor(waitingMax: number, exporter: SpanExporter, behind: (exporter: SpanExporter) => SpanProcessor) {
    this.waitingMax = waitingMax
    this.next = behind(this.counting(exporter))
  }

  counts(): SpanCounts {
    return { ...this.counted }
  }

  private counting(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, done) => {
        this.waiting -= spans.length
        exporter.export(spans, (result) => {
          this.counted[isSuccess(result) ? "exported" : "failed"] += spans.length
          done(result)
        })
      },
      forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
      shutdown: () => exporter.shutdown()
    }
  }

  onStart(span: Span, context: Parameters<SpanProcessor["onStart"]>[1]): void {
    this.next.onStart(span, context)
  }

  onEnd(span: ReadableSpan): void {
    if (this.waiting >= this.waitingMax) {
      this.counted.dropped += 1
      return
    }
    this.waiting += 1
    this.next.onEnd(span)
  }

  forceFlush(): Promise<void> {
    return this.next.forceFlush()
  }

  shutdown(): Promise<void> {
    return this.next.shutdown()
  }
}
