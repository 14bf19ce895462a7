/** The program itself, as a child process: started, signed in to. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type Program, program } from "../../../test/support/Program.ts"
import { until } from "../../../test/support/Wait.ts"

export const path = "packages/master/src/main.ts"
export const email = "admin@example.com"
export const password = "correct horse battery"

export const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-main-"))),
  (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
)

export const environment = (dataDirectory: string) => ({
  NXMESH_HTTP_ADDRESS: "127.0.0.1:0",
  NXMESH_AGENT_ADDRESS: "127.0.0.1:0",
  NXMESH_PEER_ADDRESS: "127.0.0.1:0",
  NXMESH_DATA_DIR: dataDirectory,
  NXMESH_ADMIN_EMAIL: email,
  NXMESH_ADMIN_PASSWORD: password
})

export const recordsOf = (output: string): ReadonlyArray<any> =>
  output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))

/** A running master and where its API is. */
export const master = Effect.fnUntraced(function* (dataDirectory: string, more: Readonly<Record<string, string>> = {}) {
  const running = yield* program({ path, environment: { ...environment(dataDirectory), ...more } })
  const seen = yield* until(
    Effect.sync(running.output),
    (output) => output.includes("the master is ready") || running.ended() !== null,
    { fact: "the master is ready", timeoutMillis: 60_000 }
  )
  const ready = recordsOf(seen).find(({ message }) => message === "the master is ready")
  assert.isDefined(ready, seen)
  return { ...running, ready: ready.fields as Record<string, string>, api: ready.fields.api as string }
})

export const login = (api: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${api}/api/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email, password })
    })
    assert.strictEqual(response.status, 200)
    return ((await response.json()) as { data: { access_token: string } }).data.access_token
  })

/** Waits until the program has ended. */
export const ended = (running: Program) =>
  until(Effect.sync(running.ended), (code) => code !== null, { fact: "the program has ended", timeoutMillis: 60_000 })
