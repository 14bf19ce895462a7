/** A collector of OpenTelemetry: OTLP over HTTP with JSON, as a real server that keeps what it is sent. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  /** `undefined` at the beginning of a trace. */
  readonly parentSpanId?: string
  readonly name: string
  readonly service: string
  readonly instance: string
  readonly startNanos: bigint
  readonly endNanos: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: ReadonlyArray<string>
  /** 2: an error. */
  readonly status: number
}

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

const attributesOf = (attributes: ReadonlyArray<Attribute> = []): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** The spans of one request (opentelemetry-proto, trace/v1). */
const spansOf = (body: any): ReadonlyArray<CollectedSpan> =>
  body.resourceSpans.flatMap(({ resource, scopeSpans }: any) => {
    const about = attributesOf(resource.attributes)
    return scopeSpans.flatMap(({ spans }: any) =>
      spans.map((span: any): CollectedSpan => ({
        traceId: span.traceId,
        spanId: span.spanId,
        ...(span.parentSpanId ? { parentSpanId: span.parentSpanId } : {}),
        name: span.name,
        service: String(about["service.name"]),
        instance: String(about["service.instance.id"]),
        startNanos: BigInt(span.startTimeUnixNano),
        endNanos: BigInt(span.endTimeUnixNano),
        attributes: attributesOf(span.attributes),
        links: (span.links ?? []).map((link: any) => link.traceId),
        status: span.status?.code ?? 0
      }))
    )
  })

export interface Collector {
  readonly url: string
  readonly spans: ReadonlyArray<CollectedSpan>
  readonly requests: () => number
  readonly close: () => Promise<void>
}

/** @param answers false: it takes requests and never answers, as one that hangs */
export const startCollector = async ({ answers = true } = {}): Promise<Collector> => {
  const spans: Array<CollectedSpan> = []
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => {
      if (!answers) return
      spans.push(...spansOf(JSON.parse(Buffer.concat(pieces).toString("utf8"))))
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
