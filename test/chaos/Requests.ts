/** One request to one master, told apart by what it may have done. */

export interface Sent {
  readonly method: string
  readonly url: string
  readonly token: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMillis: number
}

export type Told =
  | { readonly kind: "told"; readonly status: number; readonly etag: string | null; readonly body: unknown }
  /** It reached nobody. */
  | { readonly kind: "unsent" }
  /** It was sent, and no answer came. */
  | { readonly kind: "lost" }

/** What says that no connection was made. */
const unsentCodes = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"])

const codeOf = (error: unknown): unknown => {
  const cause = error instanceof Error ? error.cause : undefined
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export const ask = async ({ body, headers = {}, method, timeoutMillis, token, url }: Sent): Promise<Told> => {
  try {
    const answer = await fetch(url, {
      method,
      signal: AbortSignal.timeout(timeoutMillis),
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { kind: "told", status: answer.status, etag: answer.headers.get("etag"), body: parse(await answer.text()) }
  } catch (error) {
    return { kind: unsentCodes.has(String(codeOf(error))) ? "unsent" : "lost" }
  }
}

/** Whether an answer says that nothing was done and nothing will be: 504 does not, nor does a defect. */
export const isRefusal = (status: number): boolean => (status >= 400 && status < 500) || status === 503
