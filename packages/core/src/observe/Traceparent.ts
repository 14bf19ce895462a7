/**
 * A place in a trace as text, to travel with a proposal, a directive or a report (W3C Trace Context, section 3.2). Whoever
 * reads one believes nothing of it but its form: what is malformed counts as absent.
 */
import { Context, Effect, Option, Tracer } from "effect"

const pattern = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/

const sampledFlag = 1

type Place = Pick<Tracer.AnySpan, "traceId" | "spanId" | "sampled">

export const traceparentOf = ({ sampled, spanId, traceId }: Place): string =>
  `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`

/** `undefined` for what is no traceparent of version 00. */
export const parseTraceparent = (text: unknown): Tracer.ExternalSpan | undefined => {
  const [, traceId, spanId, flags] = typeof text === "string" ? (pattern.exec(text) ?? []) : []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return Tracer.externalSpan({ traceId, spanId, sampled: (Number.parseInt(flags, 16) & sampledFlag) === sampledFlag })
}

/** The current span's, when it is recorded; what is not recorded is not worth its bytes in a log or on a wire. */
export const sampledTraceparent: Effect.Effect<string | undefined> = Effect.map(
  Effect.option(Effect.currentParentSpan),
  (span) => (Option.isSome(span) && span.value.sampled ? traceparentOf(span.value) : undefined)
)

/**
 * How a span continues what several others began: as the child of the first, and linked to the rest. Without any it
 * begins a trace of its own, whatever the fiber was started in.
 */
export const continued = (
  traceparents: Iterable<string | undefined>
): Pick<Tracer.SpanOptions, "links"> & ({ readonly parent: Tracer.AnySpan } | { readonly root: true }) => {
  const [parent, ...others] = [...new Set(traceparents)].flatMap((text) => parseTraceparent(text) ?? [])
  const links = others.map((span) => ({ span, attributes: {} }))
  return parent === undefined ? { root: true } : { parent, links }
}

/** For fibers that outlive the span in which they were started: what they do is no part of it. */
export const untraced = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.updateContext(effect, (context) => Context.omit(Tracer.ParentSpan)(context) as typeof context)
