/** The REST API as any client sees it: fetch, JSON, a bearer token. Nothing of the project's own client is used. */
import { Effect } from "effect"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever JSON came
  readonly body: any
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE"

export interface Api {
  readonly request: (
    method: Method,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>
  ) => Effect.Effect<Answer>
  /** As `request`, and dies unless the status is this one. Answers `data`. */
  readonly expect: (
    status: number,
    method: Method,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>
    // oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever JSON came
  ) => Effect.Effect<any>
}

/** Sends one request; a body that is a string goes as it is, so that tests can send malformed JSON. */
export const send = (
  url: string,
  method: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<Answer> =>
  Effect.tryPromise(async (signal) => {
    const response = await fetch(url, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      signal,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: parse(text) }
  }).pipe(Effect.orDie)

const parse = (text: string): unknown => {
  try {
    return text === "" ? undefined : JSON.parse(text)
  } catch {
    return text
  }
}

/** A client that says `authorization` with every request. */
export const client = (origin: string, authorization: () => string): Api => {
  const request: Api["request"] = (method, path, body, headers = {}) =>
    Effect.suspend(() => send(`${origin}${path}`, method, body, { authorization: authorization(), ...headers }))
  return {
    request,
    expect: (status, method, path, body, headers) =>
      request(method, path, body, headers).pipe(
        Effect.flatMap((answer) =>
          answer.status === status
            ? Effect.succeed(answer.body?.data)
            : Effect.die(
                new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}, expected ${status}`)
              )
        )
      )
  }
}

/** Signs in and answers a client that acts as that person. */
export const signIn = (origin: string, email: string, password: string): Effect.Effect<Api> =>
  send(`${origin}/api/v1/auth/login`, "POST", { email, password }).pipe(
    Effect.flatMap(({ body, status }) =>
      status === 200
        ? Effect.succeed(client(origin, () => `Bearer ${body.data.access_token}`))
        : Effect.die(new Error(`login: ${status} ${JSON.stringify(body)}`))
    )
  )
