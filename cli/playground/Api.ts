import { setTimeout as sleep } from "node:timers/promises"
import { Problem } from "./Problem.ts"
import type { Login } from "./Settings.ts"

/** The fields that the playground reads of any resource. */
export interface Resource {
  readonly id: string
  readonly [field: string]: unknown
}

/** The master's REST API, as the playground uses it. */
export interface Api {
  readonly list: (path: string, filter: Readonly<Record<string, string>>) => Promise<ReadonlyArray<Resource>>
  readonly get: (path: string) => Promise<Resource>
  readonly create: <A = Resource>(path: string, body: unknown) => Promise<A>
  readonly change: (path: string, body: unknown) => Promise<Resource>
}

const send = async (method: string, url: string, token: string | undefined, body: unknown): Promise<unknown> => {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(30_000),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" })
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await response.text()
  if (!response.ok) throw new Problem(`${method} ${url} answered ${response.status}: ${text}`)
  return (JSON.parse(text) as { data: unknown }).data
}

/** Signs in as the first administrator. */
export const signIn = async (origin: string, login: Login): Promise<Api> => {
  const base = `${origin}/api/v1`
  const { access_token: token } = (await send("POST", `${base}/auth/login`, undefined, login)) as {
    access_token: string
  }
  return {
    list: async (path, filter) =>
      (await send(
        "GET",
        `${base}${path}?${new URLSearchParams(filter).toString()}`,
        token,
        undefined
      )) as ReadonlyArray<Resource>,
    get: async (path) => (await send("GET", `${base}${path}`, token, undefined)) as Resource,
    create: async <A>(path: string, body: unknown) => (await send("POST", `${base}${path}`, token, body)) as A,
    change: async (path, body) => (await send("PATCH", `${base}${path}`, token, body)) as Resource
  }
}

/** Waits until a URL answers 200 with a text that is wanted. */
export const waitFor = async (
  url: string,
  wanted: (text: string) => boolean,
  patienceMillis: number
): Promise<boolean> => {
  const deadline = performance.now() + patienceMillis
  while (performance.now() < deadline) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
      if (wanted(await response.text()) && response.ok) return true
    } catch {
      // It does not listen yet.
    }
    await sleep(50)
  }
  return false
}
