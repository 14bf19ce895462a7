/** A span of what is over, for work that runs outside of any fiber, such as apply. */
import { Context, Exit, Option, Tracer } from "effect"

export interface PastSpan {
  readonly name: string
  readonly parent: Tracer.AnySpan
  /** Nanoseconds since 1970. */
  readonly startNanos: bigint
  readonly endNanos: bigint
  readonly attributes?: Readonly<Record<string, unknown>>
  readonly exit?: Exit.Exit<unknown, unknown>
}

/** `undefined` when the parent is not recorded. A start after the end, by clocks of two machines, counts as the end. */
export const recordSpan = (
  tracer: Tracer.Tracer,
  { exit = Exit.void, parent, ...past }: PastSpan
): Tracer.Span | undefined => {
  if (!parent.sampled) return undefined
  const { attributes = {}, endNanos, name } = past
  const startTime = past.startNanos < endNanos ? past.startNanos : endNanos
  const span = tracer.span({
    name,
    parent: Option.some(parent),
    annotations: Context.empty(),
    links: [],
    startTime,
    kind: "internal",
    root: false,
    sampled: true
  })
  for (const [key, value] of Object.entries(attributes)) span.attribute(key, value)
  span.end(endNanos, exit)
  return span
}
