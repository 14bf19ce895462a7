/**
 * Effect's spans as OpenTelemetry's. Only what is sampled becomes one; the rest keeps Effect's own spans, whose ids the logs
 * carry. Loaded by `Tracing` when there is a collector: a program without one does not pay for the SDK.
 */
import { type Link, ROOT_CONTEXT, type Span as Recorded, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http"
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources"
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler
} from "@opentelemetry/sdk-trace-node"
import { Cause, Duration, Exit, Option, Tracer } from "effect"
import { Limits } from "../Limits.ts"
import { CountedSpans, type SpanCounts } from "./CountedSpans.ts"

const { trace: limits } = Limits

export interface OtelOptions {
  /** Base URL of the collector, OTLP over HTTP: spans go to `/v1/traces` below it. */
  readonly endpoint: string
  /** `service.name`, unless OTEL_SERVICE_NAME says another. */
  readonly service: string
  readonly version: string
  /** `service.instance.id`: tells this process from others of the same service. */
  readonly instance: string
  /** Of traces that begin here, how many are recorded: 0 to 1. */
  readonly ratio: number
}

const kinds: Readonly<Record<Tracer.SpanKind, SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER
}

const nanosPerSecond = 1_000_000_000n

/** Seconds and nanoseconds, as OpenTelemetry has its times. */
const hrTime = (nanos: bigint): [number, number] => [Number(nanos / nanosPerSecond), Number(nanos % nanosPerSecond)]

const contextOf = (span: Tracer.AnySpan) => ({
  traceId: span.traceId,
  spanId: span.spanId,
  traceFlags: span.sampled ? 1 : 0,
  isRemote: span._tag === "ExternalSpan"
})

const linkOf = ({ attributes, span }: Tracer.SpanLink): Link => ({
  context: contextOf(span),
  attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, valueOf(value)]))
})

const valueOf = (value: unknown): string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : String(value)

class OtelSpan implements Tracer.Span {
  readonly _tag = "Span"
  readonly name: string
  readonly spanId: string
  readonly traceId: string
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly annotations: Tracer.Span["annotations"]
  readonly links: Array<Tracer.SpanLink>
  readonly kind: Tracer.SpanKind
  readonly sampled = true
  readonly attributes = new Map<string, unknown>()
  status: Tracer.SpanStatus
  readonly #recorded: Recorded

  constructor(recorded: Recorded, options: Parameters<Tracer.Tracer["span"]>[0]) {
    const { spanId, traceId } = recorded.spanContext()
    this.#recorded = recorded
    this.name = options.name
    this.spanId = spanId
    this.traceId = traceId
    this.parent = options.parent
    this.annotations = options.annotations
    this.links = options.links
    this.kind = options.kind
    this.status = { _tag: "Started", startTime: options.startTime }
  }

  attribute(name: string, value: unknown): void {
    if (value === undefined || value === null) return
    this.attributes.set(name, value)
    this.#recorded.setAttribute(name, valueOf(value))
  }

  event(name: string, startTime: bigint, attributes: Record<string, unknown> = {}): void {
    const values = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, valueOf(value)]))
    this.#recorded.addEvent(name, values, hrTime(startTime))
  }

  addLinks(links: ReadonlyArray<Tracer.SpanLink>): void {
    this.links.push(...links)
    this.#recorded.addLinks(links.map(linkOf))
  }

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    if (this.status._tag === "Ended") return
    this.status = { _tag: "Ended", startTime: this.status.startTime, endTime, exit }
    this.#tellEnd(exit)
    this.#recorded.end(hrTime(endTime))
  }

  /** Whoever was interrupted did not fail. Of an error its name and message are told, as they are in the log. */
  #tellEnd(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isSuccess(exit)) {
      if (Number(this.attributes.get("http.response.status_code")) >= 500) {
        this.#recorded.setStatus({ code: SpanStatusCode.ERROR })
      }
      return
    }
    if (Cause.hasInterruptsOnly(exit.cause)) return void this.#recorded.setAttribute("nxmesh.interrupted", true)
    const error = Cause.squash(exit.cause)
    const message = (error instanceof Error ? error.message : String(error)).slice(0, limits.valueCharactersMax)
    this.#recorded.setStatus({ code: SpanStatusCode.ERROR, message })
    this.#recorded.setAttribute("error.type", error instanceof Error ? error.name : "Error")
  }
}

export interface OtelTracer {
  readonly tracer: Tracer.Tracer
  /** From now on; traces that began elsewhere are recorded as was decided there. */
  readonly setRatio: (ratio: number) => void
  readonly counts: () => SpanCounts
  /** Sends what waits, and ends. */
  readonly close: () => Promise<void>
}

const exporterTo = (endpoint: string) =>
  new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, "")}/v1/traces`,
    timeoutMillis: Duration.toMillis(limits.exportTimeout),
    concurrencyLimit: limits.exportsMax
  })

export const makeOtelTracer = ({ endpoint, instance, ratio, service, version }: OtelOptions): OtelTracer => {
  let roots: Sampler = new TraceIdRatioBasedSampler(ratio)
  const root: Sampler = { shouldSample: (...asked) => roots.shouldSample(...asked), toString: () => String(roots) }
  const spans = new CountedSpans(
    limits.spansWaitingMax,
    exporterTo(endpoint),
    (exporter) =>
      new BatchSpanProcessor(exporter, {
        maxQueueSize: limits.spansWaitingMax,
        maxExportBatchSize: limits.spansPerExportMax,
        scheduledDelayMillis: Duration.toMillis(limits.exportInterval),
        exportTimeoutMillis: Duration.toMillis(limits.exportTimeout)
      })
  )
  const provider = new NodeTracerProvider({
    sampler: new ParentBasedSampler({ root }),
    spanProcessors: [spans],
    resource: resourceFromAttributes({
      "service.name": service,
      "service.version": version,
      "service.instance.id": instance
    }).merge(detectResources({ detectors: [envDetector] })),
    spanLimits: {
      attributeValueLengthLimit: limits.valueCharactersMax,
      attributeCountLimit: limits.attributesMax,
      linkCountLimit: limits.linksMax,
      eventCountLimit: limits.eventsMax
    }
  })
  const otel = provider.getTracer("nxmesh", version)
  const start = (options: Parameters<Tracer.Tracer["span"]>[0]): Recorded => {
    const parent = options.root ? undefined : Option.getOrUndefined(options.parent)
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, contextOf(parent))
    const { kind, links, name, startTime } = options
    return otel.startSpan(
      name,
      { kind: kinds[kind], links: links.map(linkOf), startTime: hrTime(startTime), root: parent === undefined },
      context
    )
  }
  return {
    tracer: Tracer.make({
      span: (options) => {
        if (!options.sampled) return new Tracer.NativeSpan(options)
        const recorded = start(options)
        return recorded.isRecording()
          ? new OtelSpan(recorded, options)
          : new Tracer.NativeSpan({ ...options, sampled: false })
      }
    }),
    setRatio: (next) => {
      roots = new TraceIdRatioBasedSampler(next)
    },
    counts: () => spans.counts(),
    close: () => provider.shutdown()
  }
}
