/**
 * Reads the frames of agents. As `AgentFrame` says, but by hand: every call and every acknowledgement comes through here
 * before it is known who sent it, and the general decoder took longer than the signature's verification.
 */
import type { AgentFrame, AgentRequest } from "@nxmesh/protocol/link/SignedCall"

const shortTextMax = 64
const headersMax = 16

const isShort = (value: unknown): value is string => typeof value === "string" && value.length <= shortTextMax
const isRequestId = (value: unknown): value is string | number => Number.isSafeInteger(value) || isShort(value)
const isHeader = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === "string" && typeof value[1] === "string"

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const requestOf = (value: Record<string, unknown>): AgentRequest | undefined => {
  const { headers, id, payload, sampled, spanId, tag, traceId } = value
  if (!isRequestId(id) || !isShort(tag) || typeof payload !== "string") return undefined
  if (!Array.isArray(headers) || headers.length > headersMax || !headers.every(isHeader)) return undefined
  if (traceId !== undefined && !isShort(traceId)) return undefined
  if (spanId !== undefined && !isShort(spanId)) return undefined
  if (sampled !== undefined && typeof sampled !== "boolean") return undefined
  return {
    _tag: "Request",
    id,
    tag,
    payload,
    headers,
    ...(traceId === undefined ? {} : { traceId }),
    ...(spanId === undefined ? {} : { spanId }),
    ...(sampled === undefined ? {} : { sampled })
  }
}

/** `undefined` for what is no frame of an agent. Fields that no frame has are left out. */
export const readFrame = (text: string): AgentFrame | undefined => {
  const value = parsed(text)
  if (typeof value !== "object" || value === null) return undefined
  const frame = value as Record<string, unknown>
  switch (frame._tag) {
    case "Request":
      return requestOf(frame)
    case "Ack":
    case "Interrupt":
      return isRequestId(frame.requestId) ? { _tag: frame._tag, requestId: frame.requestId } : undefined
    case "Ping":
    case "Eof":
      return { _tag: frame._tag }
    default:
      return undefined
  }
}

/** The body of a call; its own schema comes later. `undefined` when it is no JSON: no body is. */
export const readBody = (payload: string): { readonly body: unknown } | undefined => {
  try {
    return { body: JSON.parse(payload) }
  } catch {
    return undefined
  }
}
