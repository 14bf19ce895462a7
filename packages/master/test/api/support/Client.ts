/** A plain HTTP client, so that tests see what any client sees. */
import { Effect } from "effect"
import { adminEmail, adminPassword, TestMaster } from "./TestMaster.ts"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: any
}

export interface Ask {
  readonly token?: string | undefined
  readonly body?: unknown
  /** Instead of `body`, as it is. */
  readonly raw?: string | ReadableStream
  readonly headers?: Readonly<Record<string, string>>
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const ask = Effect.fnUntraced(function* (method: string, path: string, options: Ask = {}) {
  const { origin } = yield* TestMaster
  const { body, headers, raw, token } = options
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  return yield* Effect.promise(async (): Promise<Answer> => {
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: {
        ...(payload === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers
      },
      ...(payload === undefined ? {} : { body: payload }),
      ...(payload instanceof ReadableStream ? { duplex: "half" } : {})
    } as RequestInit)
    const isEndless = response.headers.get("content-type")?.startsWith("text/event-stream") === true
    if (isEndless) await response.body?.cancel()
    const text = isEndless ? "" : await response.text()
    return { status: response.status, headers: response.headers, text, body: parse(text) }
  })
})

/** An access token of the person. */
export const loginAs = Effect.fnUntraced(function* (email: string, password: string) {
  const answer = yield* ask("POST", "/api/v1/auth/login", { body: { email, password } })
  if (answer.status !== 200) return yield* Effect.die(new Error(`login: ${answer.status} ${answer.text}`))
  return answer.body.data.access_token as string
})

const administrators = new Map<string, string>()

/** The administrator's token: one login for each master, because each costs a password hash. */
export const login = Effect.fnUntraced(function* () {
  const { origin } = yield* TestMaster
  const token = administrators.get(origin) ?? (yield* loginAs(adminEmail, adminPassword))
  administrators.set(origin, token)
  return token
})
